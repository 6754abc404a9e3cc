import dev.meshcni.api.chain.GenericChainAdapter;
import dev.meshcni.api.spi.ChainAdapter;

/**
 * The Container Network Interface in Java: the types of every released version of the specification, their JSON, the
 * configuration directory as container runtimes read it, and {@link ChainAdapter}, by which third parties teach this
 * product a base CNI.
 */
module dev.meshcni.api {
    requires transitive com.fasterxml.jackson.databind;

    exports dev.meshcni.api;
    exports dev.meshcni.api.chain;
    exports dev.meshcni.api.conf;
    exports dev.meshcni.api.exec;
    exports dev.meshcni.api.spi;

    uses ChainAdapter;

    provides ChainAdapter with
            GenericChainAdapter;
}
