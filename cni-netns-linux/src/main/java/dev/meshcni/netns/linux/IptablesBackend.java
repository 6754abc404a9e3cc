package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectBackend;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Redirects with {@code iptables} and {@code ip6tables}, in whichever variant works on the node.
 *
 * <p>A new pod costs two processes for each address family: one {@code iptables-restore} that loads all tables, and one
 * {@code iptables-save} that reads them back. A pod whose rules are right already costs one. Rules that the other
 * variant or {@link NftBackend} left in a pod are removed, so that a node can be switched over.
 */
public final class IptablesBackend extends LinuxBackend {
    private final String forced;

    /** Chooses the variant that {@code FORCE_IPTABLES_BINARY} names, or else one that works. */
    public IptablesBackend() {
        this(Objects.requireNonNullElse(System.getenv("FORCE_IPTABLES_BINARY"), ""), HostPaths.standard());
    }

    /**
     * Uses one variant, or the one that works.
     *
     * @param forced {@code nft}, {@code legacy}, a name such as {@code iptables-nft} or a path; empty to choose
     * @param hostPaths where this process finds the namespaces that the container runtime names
     */
    public IptablesBackend(String forced, HostPaths hostPaths) {
        this(forced, hostPaths, _ -> {});
    }

    IptablesBackend(String forced, HostPaths hostPaths, Consumer<String> steps) {
        this(forced, hostPaths, new PodRules(steps));
    }

    private IptablesBackend(String forced, HostPaths hostPaths, PodRules podRules) {
        super(hostPaths, podRules);
        this.forced = Objects.requireNonNull(forced, "forced is null");
    }

    @Override
    public String name() {
        return "iptables";
    }

    @Override
    public RedirectBackend with(String program) {
        return new IptablesBackend(program, hostPaths(), podRules());
    }

    @Override
    NodeTools find() {
        return IptablesDetection.detect(forced);
    }
}
