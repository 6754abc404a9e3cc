/**
 * Between the rules of a pod and nf_tables: rules become expressions, as {@code iptables} or {@code nft} would write
 * them, and what the kernel shows becomes rules again; what differs becomes a transaction, and what it takes to undo
 * one. Without any access to a kernel.
 */
module dev.meshcni.nftables {
    requires transitive dev.meshcni.netfilter;
    requires transitive dev.meshcni.netlink;

    exports dev.meshcni.nftables;
}
