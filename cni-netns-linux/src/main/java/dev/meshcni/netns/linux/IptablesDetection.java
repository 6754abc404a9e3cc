package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.netfilter.IptablesRenderer;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds the variant of {@code iptables} that works on this node, by loading and reading rules in a network namespace that
 * is made for it and thrown away. What is merely installed need not work: the kernel may lack either implementation. A
 * process that may not make namespaces, as in an init container, asks the programs to check the rules without loading them.
 */
final class IptablesDetection {
    private static final List<String> NAMES = List.of("-nft", "-legacy", "");

    /**
     * The variants of this node.
     *
     * @param chosen the one that redirects pods
     * @param others the ones of the other kind that work: rules of ours that an earlier version left there are removed
     * @param nft for the same purpose; empty if it is not installed
     * @param problems by family, why it does not work with the chosen variant; a family that works is absent
     */
    record Found(IptablesTool chosen, List<IptablesTool> others, Optional<NftTool> nft, Map<IpFamily, String> problems)
            implements NodeTools {
        @Override
        public String name() {
            return "iptables" + chosen.name();
        }

        @Override
        public String version() {
            return chosen.version();
        }

        /** One variant holds our rules of each family, the other and nftables none. */
        @Override
        public List<Layer> layers(RedirectPlan plan) {
            List<Layer> layers = new ArrayList<>();
            for (IpFamily family : IpFamily.values()) {
                layers.add(new IptablesLayer(chosen, PodRules.rules(plan, family)));
                RuleSet nothing = new RuleSet(family, Map.of());
                others.forEach(tool -> layers.add(new IptablesLayer(tool, nothing)));
            }
            nft.map(NftLayer::nothing).ifPresent(layers::add);
            return layers;
        }
    }

    private IptablesDetection() {}

    /**
     * Tries all variants, or the one that is forced.
     *
     * @param forced {@code nft}, {@code legacy}, a name such as {@code iptables-nft}, or the path of such a program;
     *     empty to choose
     * @throws RedirectException if none works, with what was tried and what to install
     */
    static Found detect(String forced) {
        LibC.load();
        List<IptablesTool> candidates =
                forced.isEmpty() ? installed() : forced(forced).stream().toList();
        Map<IptablesTool, Map<IpFamily, String>> tried = new LinkedHashMap<>();
        boolean throwaway = NetworkNamespace.canMakeNew();
        for (IptablesTool tool : candidates) {
            tried.put(tool, problems(tool, throwaway));
            if (!throwaway && tried.get(tool).isEmpty()) {
                // Even a check of the legacy variant makes its tables: not in a namespace that stays, unless needed.
                break;
            }
        }
        IptablesTool chosen = tried.keySet().stream()
                .filter(tool -> tried.get(tool).isEmpty())
                .findFirst()
                .or(() -> tried.keySet().stream()
                        .filter(tool -> !tried.get(tool).containsKey(IpFamily.IPV4))
                        .findFirst())
                .orElseThrow(() -> new RedirectException(nothingWorks(forced, tried)));
        List<IptablesTool> others = oneOfEachKind(installed()).stream()
                .filter(tool -> tool.kind() != chosen.kind())
                .toList();
        return new Found(chosen, others, NftTool.find(), tried.get(chosen));
    }

    /** The variants that are installed, whether they work or not. */
    static List<IptablesTool> installed() {
        return NAMES.stream()
                .flatMap(name -> IptablesTool.find(name, Programs.directories()).stream())
                .toList();
    }

    /** The first of each kind: two tools of one kind show the same tables. */
    static List<IptablesTool> oneOfEachKind(List<IptablesTool> tools) {
        Map<IptablesTool.Kind, IptablesTool> byKind = new LinkedHashMap<>();
        tools.forEach(tool -> byKind.putIfAbsent(tool.kind(), tool));
        return List.copyOf(byKind.values());
    }

    private static Optional<IptablesTool> forced(String forced) {
        if (forced.startsWith("/")) {
            Path path = Path.of(forced);
            String name = path.getFileName().toString();
            return IptablesTool.find(
                    suffix(name), List.of(path.resolveSibling(".").normalize()));
        }
        return IptablesTool.find(suffix(forced), Programs.directories());
    }

    private static String suffix(String name) {
        String suffix = name.replaceFirst("^ip6?tables-?", "").replaceFirst("-?(restore|save)$", "");
        return suffix.isEmpty() ? "" : "-" + suffix;
    }

    private static Map<IpFamily, String> problems(IptablesTool tool, boolean throwaway) {
        Map<IpFamily, String> problems = new LinkedHashMap<>();
        for (IpFamily family : IpFamily.values()) {
            RuleSet sample = SampleRules.of(family);
            try {
                if (throwaway) {
                    NetworkNamespace.insideNew(() -> {
                        try (NetfilterTables netfilter = new NetfilterTables()) {
                            new IptablesLayer(tool, sample).apply(netfilter, new Undo(), _ -> {});
                        }
                        return null;
                    });
                } else {
                    tool.check(family, IptablesRenderer.render(sample));
                }
            } catch (RedirectException e) {
                problems.put(family, e.getMessage());
            }
        }
        return problems;
    }

    private static String nothingWorks(String forced, Map<IptablesTool, Map<IpFamily, String>> tried) {
        if (tried.isEmpty()) {
            return "no iptables" + (forced.isEmpty() ? "" : " (" + forced + ")")
                    + " found: install the package iptables (iptables-restore, iptables-save and their ip6tables"
                    + " twins)";
        }
        StringBuilder message = new StringBuilder("no iptables variant works on this node:");
        tried.forEach((tool, problems) -> message.append(" iptables")
                .append(tool.name())
                .append(" in ")
                .append(tool.directory())
                .append(": ")
                .append(problems.get(IpFamily.IPV4))
                .append(';'));
        return message.append(" the kernel needs nf_tables or ip_tables with NAT and REDIRECT")
                .toString();
    }
}
