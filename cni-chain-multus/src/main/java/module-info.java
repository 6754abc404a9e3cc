/** The chain adapter for multus. */
module dev.meshcni.chain.multus {
    requires dev.meshcni.api;
}
