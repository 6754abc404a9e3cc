import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.RedirectBackend;

/**
 * The redirection engine and the plugin's verbs.
 *
 * <p>Pure: it knows no Linux, no Kubernetes client and no native access, so that all of it can be tested on any
 * machine. What touches the world comes in through {@link PodSource} and {@link RedirectBackend}.
 */
module dev.meshcni.core {
    requires transitive dev.meshcni.api;
    requires transitive dev.meshcni.redirect;

    exports dev.meshcni.core;
    exports dev.meshcni.core.spi;
}
