import dev.meshcni.core.spi.RedirectBackend;

/**
 * {@code meshcni iptables} and {@code meshcni validate}: the flags and checks of {@code istio-iptables} and
 * {@code istio-validation}.
 */
module dev.meshcni.iptables {
    requires transitive dev.meshcni.core;
    requires dev.meshcni.netfilter;
    requires dev.meshcni.trace;
    requires dev.meshcni.netns.linux;
    requires transitive info.picocli;

    exports dev.meshcni.iptables;

    opens dev.meshcni.iptables to
            info.picocli;

    uses RedirectBackend;
}
