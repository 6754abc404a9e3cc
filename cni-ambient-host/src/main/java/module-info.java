/** The host's part of ambient mode: the addresses of enrolled pods, and the source address of the kubelet's probes. */
module dev.meshcni.ambient.host {
    requires transitive dev.meshcni.ambient;
    requires transitive dev.meshcni.rules;
    requires dev.meshcni.libc;
    requires dev.meshcni.netlink;
    requires dev.meshcni.netns.linux;
    requires dev.meshcni.nftables;

    exports dev.meshcni.ambient.host;
}
