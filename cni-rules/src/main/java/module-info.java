/**
 * The rules of a redirection as types: tables, chains, matches and targets, the same for iptables, nftables,
 * explanations and tests.
 */
module dev.meshcni.rules {
    requires transitive dev.meshcni.api;

    exports dev.meshcni.rules;
}
