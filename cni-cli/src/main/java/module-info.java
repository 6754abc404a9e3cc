import dev.meshcni.core.spi.RedirectBackend;

/**
 * {@code meshcni}, the command line.
 *
 * <p>What has no module descriptor, or requires what has none, is required statically and added by the launcher: no run-time image can be
 * linked of it.
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
