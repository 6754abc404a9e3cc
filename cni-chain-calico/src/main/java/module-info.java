/** The chain adapter for calico. */
module dev.meshcni.chain.calico {
    requires dev.meshcni.api;
}
