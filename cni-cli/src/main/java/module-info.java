/** {@code istio-cni}, the plugin that the container runtime starts, and {@code meshcni}, the command line. */
module dev.meshcni.cli {
    requires dev.meshcni.core;
    requires dev.meshcni.netns.linux;
    requires static dev.meshcni.daemon;
}
