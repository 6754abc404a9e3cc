package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
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
public final class NftBackend extends LinuxBackend {
    private record Found(NftTool tool, List<IptablesTool> iptables, Map<IpFamily, String> problems)
            implements NodeTools {
        @Override
        public String name() {
            return "nftables";
        }

        @Override
        public String version() {
            return tool.version();
        }

        /** Our tables hold the rules of all families, and iptables none. */
        @Override
        public List<Layer> layers(RedirectPlan plan) {
            List<RuleSet> wanted = Stream.of(IpFamily.values())
                    .map(family -> PodRules.rules(plan, family))
                    .toList();
            List<Layer> layers = new ArrayList<>();
            layers.add(new NftLayer(tool, wanted));
            for (IptablesTool program : iptables) {
                wanted.forEach(rules -> layers.add(new IptablesLayer(program, new RuleSet(rules.family(), Map.of()))));
            }
            return layers;
        }
    }

    /** For the namespaces that the container runtime names. */
    public NftBackend() {
        this(HostPaths.standard());
    }

    /** For namespaces that this process finds below other paths than the host does. */
    public NftBackend(HostPaths hostPaths) {
        this(hostPaths, _ -> {});
    }

    NftBackend(HostPaths hostPaths, Consumer<String> steps) {
        super(hostPaths, new PodRules(steps));
    }

    @Override
    public String name() {
        return "nftables";
    }

    @Override
    NodeTools find() {
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
            throw new RedirectException("nftables does not work on this node, the kernel needs nf_tables with nat:"
                    + " " + problems.get(IpFamily.IPV4));
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
