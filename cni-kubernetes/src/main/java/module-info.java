/**
 * The API of the cluster, limited to what a node needs, and the pods of the node, from the API or from manifests.
 *
 * <p>fabric8 has no module descriptor yet; it is required by its automatic names.
 */
module dev.meshcni.kubernetes {
    requires transitive dev.meshcni.core;
    requires dev.meshcni.config;
    requires dev.meshcni.kubeconfig;
    requires com.fasterxml.jackson.core;
    requires transitive info.picocli;
    requires transitive kubernetes.client.api;
    requires io.fabric8.kubernetes.client.jdkhttp;
    requires transitive kubernetes.model.apps;
    requires kubernetes.model.common;
    requires transitive kubernetes.model.core;
    requires transitive kubernetes.model.policy;
    // The transport of fabric8, which cannot require it itself.
    requires java.net.http;
    requires org.slf4j;

    exports dev.meshcni.kubernetes;

    opens dev.meshcni.kubernetes to
            info.picocli;
}
