// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Redirects with the rules of {@code iptables} and {@code ip6tables}, in whichever variant works on the node.
 *
 * <p>Where that is the nf_tables variant the kernel is told by netlink, in one transaction for all tables and families.
 * Elsewhere a new pod costs two processes for each address family: one {@code iptables-restore} that loads all tables,
 * and one {@code iptables-save} that reads them back. Rules that the other variant or {@link NftBackend} left in a pod
 * are removed, so that a node can be switched over.
 */
public final class IptablesBackend implements RedirectBackend {
    private final String forced;
    private final Supplier<RuleWay> way;
    private final LinuxBackend linux;

    /**
     * Chooses the variant that {@code FORCE_IPTABLES_BINARY} names, or else one that works; by the way that
     * {@code RULES_BY} names.
     */
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
        this(forced, RuleWay::ofEnvironment, find -> new LinuxBackend(hostPaths, _ -> {}, find));
    }

    /**
     * Uses one variant, or the one that works, by one way or the one that works.
     *
     * @param forced {@code nft}, {@code legacy}, a name such as {@code iptables-nft} or a path; empty to choose
     * @param hostPaths where this process finds the namespaces that the container runtime names
     */
    public IptablesBackend(String forced, RuleWay way, HostPaths hostPaths) {
        this(forced, way, hostPaths, _ -> {});
    }

    IptablesBackend(String forced, RuleWay way, HostPaths hostPaths, Consumer<String> steps) {
        this(forced, () -> way, find -> new LinuxBackend(hostPaths, steps, find));
        Objects.requireNonNull(way, "way is null");
    }

    private IptablesBackend(String forced, Supplier<RuleWay> way, Function<Supplier<NodeTools>, LinuxBackend> linux) {
        this.forced = Objects.requireNonNull(forced, "forced is null");
        this.way = way;
        this.linux = linux.apply(() -> IptablesDetection.detect(forced, way.get()));
    }

    @Override
    public String name() {
        return "iptables";
    }

    @Override
    public RedirectBackend with(String program) {
        return new IptablesBackend(program, way, linux::with);
    }

    @Override
    public RedirectBackend by(String name) {
        RuleWay chosen = RuleWay.parse(name);
        return new IptablesBackend(forced, () -> chosen, linux::with);
    }

    @Override
    public String detect() {
        return linux.detect();
    }

    @Override
    public boolean withThrowaway(Consumer<Path> action) {
        return NetworkNamespace.withNew(action);
    }

    @Override
    public NamespaceHandle open(Path netns, Deadline deadline) {
        return linux.open(netns, deadline);
    }

    @Override
    public NamespaceHandle begin(Path netns, Deadline deadline) {
        return linux.begin(netns, deadline);
    }
}
