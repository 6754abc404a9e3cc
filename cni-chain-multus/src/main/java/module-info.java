import dev.meshcni.chain.multus.MultusChainAdapter;

/** The chain adapter for Multus: our plugin with a configuration of its own. */
module dev.meshcni.chain.multus {
    requires dev.meshcni.api;

    provides dev.meshcni.api.spi.ChainAdapter with
            MultusChainAdapter;
}
