import dev.meshcni.chain.calico.CalicoChainAdapter;

/** The chain adapter for Calico. */
module dev.meshcni.chain.calico {
    requires dev.meshcni.api;

    provides dev.meshcni.api.spi.ChainAdapter with
            CalicoChainAdapter;
}
