/**
 * Rules as {@code iptables-restore} and {@code nft} read them, and as {@code iptables-save} and {@code nft} print them.
 */
module dev.meshcni.netfilter {
    requires transitive dev.meshcni.rules;
    requires com.fasterxml.jackson.databind;

    exports dev.meshcni.netfilter;
}
