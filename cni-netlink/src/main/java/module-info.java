/**
 * Netlink messages ({@code netlink(7)}), and the tables, chains, rules, sets and expressions of nf_tables in them
 * ({@code linux/netfilter/nf_tables.h}): values that are written as bytes and read from bytes. Sockets are somebody
 * else's.
 */
module dev.meshcni.netlink {
    exports dev.meshcni.netlink;
}
