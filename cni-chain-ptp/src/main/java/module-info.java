import dev.meshcni.chain.ptp.PtpChainAdapter;

/** The chain adapter for ptp. */
module dev.meshcni.chain.ptp {
    requires dev.meshcni.api;

    provides dev.meshcni.api.spi.ChainAdapter with
            PtpChainAdapter;
}
