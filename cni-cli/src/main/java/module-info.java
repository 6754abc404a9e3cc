import dev.meshcni.core.spi.RedirectBackend;

/**
 * {@code istio-cni}, the plugin that the container runtime starts, and {@code meshcni}, the command line.
 *
 * <p>What only {@code meshcni} needs is required statically, and added by its launcher: the plugin's run-time image does
 * without it.
 */
module dev.meshcni.cli {
    requires dev.meshcni.core;
    requires dev.meshcni.host.linux;
    requires dev.meshcni.netns.linux;
    requires static dev.meshcni.daemon;
    requires static info.picocli;

    opens dev.meshcni.cli to
            info.picocli;

    uses RedirectBackend;
}
