import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;

/** Linux network namespaces, the iptables and nftables backends, addresses and routes. */
module dev.meshcni.netns.linux {
    requires transitive dev.meshcni.core;
    requires dev.meshcni.netlink;
    requires dev.meshcni.nftables;
    requires com.sun.jna;

    exports dev.meshcni.netns.linux;

    // JNA binds the native methods of one class of ours (direct mapping).
    opens dev.meshcni.netns.linux to
            com.sun.jna;

    provides RedirectBackend with
            IptablesBackend,
            NftBackend;
}
