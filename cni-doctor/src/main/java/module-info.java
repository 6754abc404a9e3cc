/** {@code meshcni doctor}: examines a node and a cluster, and changes nothing. */
module dev.meshcni.doctor {
    requires transitive dev.meshcni.core;
    requires dev.meshcni.config;
    requires dev.meshcni.host.linux;
    requires transitive dev.meshcni.install;
    requires transitive dev.meshcni.kubernetes;
    requires dev.meshcni.manifest;
    requires dev.meshcni.repair;
    requires dev.meshcni.telemetry;
    requires kubernetes.client.api;
    requires kubernetes.model.admissionregistration;
    requires kubernetes.model.apps;
    requires kubernetes.model.common;
    requires kubernetes.model.core;

    exports dev.meshcni.doctor;
}
