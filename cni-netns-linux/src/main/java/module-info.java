/** Linux network namespaces, the iptables and nftables backends, addresses and routes. */
module dev.meshcni.netns.linux {
    requires transitive dev.meshcni.core;
    requires com.sun.jna;
}
