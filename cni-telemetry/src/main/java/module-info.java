/** Reports of the daemon about its node: metrics, status and heap usage. */
module dev.meshcni.telemetry {
    requires transitive dev.meshcni.core;
    requires dev.meshcni.config;
    requires transitive dev.meshcni.http;
    requires transitive info.picocli;
    requires io.prometheus.metrics.config;
    requires io.prometheus.metrics.core;
    requires io.prometheus.metrics.model;
    requires transitive io.prometheus.writer.text;
    requires org.slf4j;

    exports dev.meshcni.telemetry;

    opens dev.meshcni.telemetry to
            info.picocli;
}
