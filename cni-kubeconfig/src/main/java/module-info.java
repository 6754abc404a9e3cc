/** kubeconfig files, read as kubectl reads them, and the access to a cluster that they describe. */
module dev.meshcni.kubeconfig {
    requires dev.meshcni.core;
    requires com.fasterxml.jackson.databind;
    requires dev.meshcni.config;

    exports dev.meshcni.kubeconfig;
}
