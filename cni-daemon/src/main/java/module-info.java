import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.RedirectBackend;

/**
 * {@code install-cni}: the installer, the agent that answers the plugin, the pod cache, repair, health and metrics.
 *
 * <p>fabric8 and the Prometheus library have no module descriptor yet; they are required by their automatic names.
 */
module dev.meshcni.daemon {
    requires transitive dev.meshcni.core;
    requires com.fasterxml.jackson.core;
    requires dev.meshcni.host.linux;
    requires transitive info.picocli;
    requires kubernetes.client.api;
    requires kubernetes.model.admissionregistration;
    requires kubernetes.model.apps;
    requires kubernetes.model.core;
    requires kubernetes.model.common;
    requires kubernetes.model.policy;
    requires kubernetes.model.rbac;
    requires ch.qos.logback.classic;
    requires ch.qos.logback.core;
    requires io.prometheus.metrics.core;
    requires io.prometheus.metrics.model;
    requires io.prometheus.writer.text;
    // The transport of fabric8's client, which cannot require it itself.
    requires java.net.http;
    requires jdk.net;
    requires org.slf4j;
    // YAML with the positions of keys, for the errors of meshcni manifest.
    requires org.snakeyaml.engine;

    exports dev.meshcni.daemon;

    opens dev.meshcni.daemon to
            info.picocli;

    uses PodSource;
    uses RedirectBackend;
}
