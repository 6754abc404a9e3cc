package dev.meshcni.netns.linux;

import dev.meshcni.core.IpFamily;
import dev.meshcni.core.RedirectException;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.RuleSet;
import dev.meshcni.core.spi.RedirectBackend;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Redirects with {@code iptables} and {@code ip6tables}, in whichever variant works on the node.
 *
 * <p>A new pod costs two processes for each address family: one {@code iptables-restore} that loads all tables, and one
 * {@code iptables-save} that reads them back. A pod whose rules are right already costs one. Rules that the other
 * variant or {@link NftBackend} left in a pod are removed, so that a node can be switched over.
 */
public final class IptablesBackend implements RedirectBackend {
    private final String forced;
    private final PodRules podRules;
    private volatile IptablesDetection.Found found;

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
        this(forced, new PodRules(hostPaths, steps));
    }

    private IptablesBackend(String forced, PodRules podRules) {
        this.forced = Objects.requireNonNull(forced, "forced is null");
        this.podRules = Objects.requireNonNull(podRules, "podRules is null");
    }

    @Override
    public String name() {
        return "iptables";
    }

    @Override
    public RedirectBackend with(String program) {
        return new IptablesBackend(program, podRules);
    }

    @Override
    public String detect() {
        IptablesDetection.Found tools = found();
        String missing = tools.problems().keySet().stream()
                .map(family -> ", no " + family.label())
                .collect(Collectors.joining());
        return tools.chosen().version() + missing;
    }

    @Override
    public boolean isOwn(Path netns) {
        return podRules.isOwn(netns);
    }

    @Override
    public boolean withThrowaway(Consumer<Path> action) {
        return NetworkNamespace.withNew(action);
    }

    @Override
    public List<InetAddress> addresses(Path netns) {
        return podRules.addresses(netns);
    }

    @Override
    public void apply(Path netns, RedirectPlan plan) {
        found().problems().forEach((family, problem) -> {
            if (plan.families().contains(family)) {
                throw new RedirectException("iptables" + found().chosen().name() + " does not work for "
                        + family.label() + " on this node: " + problem);
            }
        });
        podRules.apply(netns, plan, layers(plan));
    }

    @Override
    public List<RuleDifference> differences(Path netns, RedirectPlan plan) {
        return podRules.differences(netns, plan, layers(plan));
    }

    @Override
    public void remove(Path netns) {
        podRules.apply(netns, PodRules.NOTHING, layers(PodRules.NOTHING));
    }

    /** One variant holds our rules of each family, the other and nftables none. */
    private List<Layer> layers(RedirectPlan plan) {
        IptablesDetection.Found tools = found();
        List<Layer> layers = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            layers.add(new IptablesLayer(tools.chosen(), PodRules.rules(plan, family)));
            RuleSet nothing = new RuleSet(family, Map.of());
            tools.others().forEach(tool -> layers.add(new IptablesLayer(tool, nothing)));
        }
        tools.nft().map(NftLayer::nothing).ifPresent(layers::add);
        return layers;
    }

    private IptablesDetection.Found found() {
        IptablesDetection.Found known = found;
        if (known == null) {
            synchronized (this) {
                known = found == null ? IptablesDetection.detect(forced) : found;
                found = known;
            }
        }
        return known;
    }
}
