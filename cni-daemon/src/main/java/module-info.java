/** {@code install-cni}: the installer, the agent that answers the plugin, the pod cache, repair, health and metrics. */
module dev.meshcni.daemon {
    requires transitive dev.meshcni.core;
}
