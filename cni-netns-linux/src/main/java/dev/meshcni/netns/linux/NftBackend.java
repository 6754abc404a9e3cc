package dev.meshcni.netns.linux;

import dev.meshcni.core.IpFamily;
import dev.meshcni.core.NftRenderer;
import dev.meshcni.core.RedirectException;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.RuleSet;
import dev.meshcni.core.spi.RedirectBackend;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Redirects with {@code nft}: one table of our own for each family, replaced in one transaction, with sets instead of
 * long lists of rules.
 *
 * <p>A new pod costs two processes, whatever its families: one that loads and one that reads back. Rules that an
 * iptables backend left in a pod are removed, so that a node can be switched over.
 */
public final class NftBackend implements RedirectBackend {
    private final PodRules podRules;
    private volatile Found found;

    private record Found(NftTool tool, List<IptablesTool> iptables, Map<IpFamily, String> problems) {}

    /** For the namespaces that the container runtime names. */
    public NftBackend() {
        this(HostPaths.standard());
    }

    /** For namespaces that this process finds below other paths than the host does. */
    public NftBackend(HostPaths hostPaths) {
        this(hostPaths, _ -> {});
    }

    NftBackend(HostPaths hostPaths, Consumer<String> steps) {
        this.podRules = new PodRules(hostPaths, steps);
    }

    @Override
    public String name() {
        return "nftables";
    }

    @Override
    public String detect() {
        StringBuilder version = new StringBuilder(found().tool().version());
        found().problems().keySet().forEach(family -> version.append(", no ").append(family.label()));
        return version.toString();
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
                throw new RedirectException(
                        "nftables does not work for " + family.label() + " on this node: " + problem);
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

    private List<Layer> layers(RedirectPlan plan) {
        List<RuleSet> wanted = Stream.of(IpFamily.values())
                .map(family -> PodRules.rules(plan, family))
                .toList();
        List<Layer> layers = new ArrayList<>();
        layers.add(new NftLayer(found().tool(), wanted));
        for (IptablesTool tool : found().iptables()) {
            wanted.forEach(rules -> layers.add(new IptablesLayer(tool, new RuleSet(rules.family(), Map.of()))));
        }
        return layers;
    }

    private Found found() {
        Found known = found;
        if (known == null) {
            synchronized (this) {
                known = found == null ? find() : found;
                found = known;
            }
        }
        return known;
    }

    private static Found find() {
        LibC.load();
        NftTool tool =
                NftTool.find().orElseThrow(() -> new RedirectException("no nft found: install the package nftables"));
        Map<IpFamily, String> problems = new EnumMap<>(IpFamily.class);
        boolean throwaway = NetworkNamespace.canMakeNew();
        for (IpFamily family : IpFamily.values()) {
            try {
                attempt(tool, SampleRules.of(family), throwaway);
            } catch (RedirectException e) {
                problems.put(family, e.getMessage());
            }
        }
        if (problems.containsKey(IpFamily.IPV4)) {
            throw new RedirectException(
                    "nftables does not work here, the kernel needs nf_tables with nat: " + problems.get(IpFamily.IPV4));
        }
        return new Found(tool, IptablesDetection.oneOfEachKind(IptablesDetection.installed()), problems);
    }

    /** In a namespace that is thrown away; a process that may not make one has {@code nft} check the rules instead. */
    private static void attempt(NftTool tool, RuleSet sample, boolean throwaway) {
        if (throwaway) {
            NetworkNamespace.insideNew(() -> {
                try (NetfilterTables netfilter = new NetfilterTables()) {
                    new NftLayer(tool, List.of(sample)).apply(netfilter, new Undo(), _ -> {});
                }
                return null;
            });
        } else {
            tool.check(NftRenderer.script(sample));
        }
    }
}
