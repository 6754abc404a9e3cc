import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;

/** Linux network namespaces, the iptables and nftables backends, addresses and routes. */
module dev.meshcni.netns.linux {
    requires transitive dev.meshcni.core;
    requires dev.meshcni.netfilter;
    requires dev.meshcni.netlink;
    requires dev.meshcni.nftables;
    requires dev.meshcni.libc;

    exports dev.meshcni.netns.linux;

    provides RedirectBackend with
            IptablesBackend,
            NftBackend;
}
