/** {@code meshcni manifest}: the manifests of the DaemonSet, made from the files that users of Istio have. */
module dev.meshcni.manifest {
    requires dev.meshcni.ambient;
    requires dev.meshcni.core;
    requires transitive dev.meshcni.config;
    requires dev.meshcni.repair;
    requires dev.meshcni.telemetry;
    requires transitive kubernetes.client.api;
    requires transitive kubernetes.model.apps;
    requires kubernetes.model.common;
    requires transitive kubernetes.model.core;
    requires transitive kubernetes.model.rbac;

    exports dev.meshcni.manifest;
}
