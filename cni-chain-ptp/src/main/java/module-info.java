/** The chain adapter for ptp. */
module dev.meshcni.chain.ptp {
    requires dev.meshcni.api;
}
