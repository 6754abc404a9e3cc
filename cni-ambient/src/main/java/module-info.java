/** Pods that join the mesh of their node's ztunnel, and leave it: what is wanted, what is so, and the next step. */
module dev.meshcni.ambient {
    requires transitive dev.meshcni.config;
    requires transitive dev.meshcni.core;
    requires transitive dev.meshcni.ztunnel;

    exports dev.meshcni.ambient;
}
