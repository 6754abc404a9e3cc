import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.RedirectBackend;

/**
 * {@code install-cni}, the daemon of a node: the agent that answers the plugin, health and metrics. It puts installer,
 * pod sources and repair together.
 *
 * <p>The Prometheus library has no module descriptor yet; it is required by its automatic names.
 */
module dev.meshcni.daemon {
    requires com.fasterxml.jackson.core;
    requires transitive dev.meshcni.core;
    requires transitive dev.meshcni.config;
    requires dev.meshcni.enrolment;
    requires dev.meshcni.files;
    requires dev.meshcni.host.linux;
    requires dev.meshcni.http;
    requires dev.meshcni.install;
    requires dev.meshcni.kubernetes;
    requires dev.meshcni.repair;
    requires transitive dev.meshcni.telemetry;
    requires transitive info.picocli;
    requires ch.qos.logback.classic;
    requires ch.qos.logback.core;
    requires io.prometheus.writer.text;
    requires jdk.net;
    requires org.slf4j;

    exports dev.meshcni.daemon;

    opens dev.meshcni.daemon to
            info.picocli;

    uses PodSource;
    uses RedirectBackend;
}
