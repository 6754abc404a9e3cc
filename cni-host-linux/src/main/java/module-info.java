/**
 * What the installer, the agent and the plugin need of a Linux host and the JDK has no API for: whether only root can
 * change where a path leads, the host's files from a container, exchanging two files, extended attributes, and programs
 * in the host's mount namespace.
 */
module dev.meshcni.host.linux {
    requires jdk.net;

    exports dev.meshcni.host.linux;
}
