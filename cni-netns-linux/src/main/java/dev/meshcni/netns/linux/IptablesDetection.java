// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.LibC;
import dev.meshcni.libc.Programs;
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
import java.util.stream.Stream;

/**
 * Finds the variant of {@code iptables} that works on this node, by loading and reading rules in a network namespace
 * that is made for it and thrown away. What is merely installed need not work: the kernel may lack either
 * implementation. A process that may not make namespaces, as in an init container, asks the programs to check the rules
 * without loading them.
 */
final class IptablesDetection {
    private static final List<String> NAMES = List.of("-nft", "-legacy", "");

    /**
     * The variants of this node, used by their programs.
     *
     * @param chosen the one that redirects pods
     * @param others the ones of the other kind that work: rules of ours that an earlier version left there are removed
     * @param problems by family, why it does not work with the chosen variant; a family that works is absent
     */
    record ByPrograms(IptablesTool chosen, List<IptablesTool> others, Map<IpFamily, String> problems)
            implements NodeTools {
        @Override
        public String name() {
            return "iptables" + chosen.name();
        }

        @Override
        public String version() {
            return chosen.version() + ", by its programs";
        }

        /** One variant holds our rules of each family, the other and nftables none. */
        @Override
        public List<Layer> layers(RedirectPlan plan) {
            List<Layer> layers = new ArrayList<>();
            for (IpFamily family : IpFamily.values()) {
                layers.add(new IptablesLayer(chosen, plan.wantedRules(family)));
                RuleSet nothing = new RuleSet(family, Map.of());
                others.forEach(tool -> layers.add(new IptablesLayer(tool, nothing)));
            }
            layers.add(new NetlinkLayer(Map.of(), NetlinkLayer.own(NetlinkLayer.nothing()), List.of()));
            return layers;
        }
    }

    /**
     * The nf_tables variant, without its programs.
     *
     * @param program the programs that do what netlink cannot; empty if they are not installed
     * @param legacy the ones of the other kind that are installed
     * @param problems by family, why it does not work; a family that works is absent
     */
    record ByNetlink(Optional<IptablesTool> program, List<IptablesTool> legacy, Map<IpFamily, String> problems)
            implements NodeTools {
        @Override
        public String name() {
            return "iptables-nft";
        }

        @Override
        public String version() {
            return program.map(IptablesTool::version).orElse(name()) + ", by netlink";
        }

        /**
         * The tables of iptables hold our rules of each family; the legacy variant's and our own of nftables hold none.
         */
        @Override
        public List<Layer> layers(RedirectPlan plan) {
            Map<IpFamily, RuleSet> wanted = new LinkedHashMap<>();
            Stream.of(IpFamily.values()).forEach(family -> wanted.put(family, plan.wantedRules(family)));
            List<Layer> programs = new ArrayList<>();
            program.ifPresent(tool -> {
                wanted.values().forEach(rules -> programs.add(new IptablesLayer(tool, rules)));
                programs.add(new NetlinkLayer(Map.of(), NetlinkLayer.own(NetlinkLayer.nothing()), List.of()));
            });
            List<Layer> layers = new ArrayList<>();
            layers.add(new NetlinkLayer(wanted, NetlinkLayer.own(NetlinkLayer.nothing()), programs));
            for (IptablesTool tool : legacy) {
                NetlinkLayer.nothing().values().forEach(rules -> layers.add(new IptablesLayer(tool, rules)));
            }
            return layers;
        }
    }

    /** Tries rules, in a namespace that is thrown away or else without carrying them out. */
    interface Trial {
        /**
         * Tries them.
         *
         * @throws RedirectException if the kernel does not take them
         */
        void attempt(NetlinkLayer sample, boolean throwaway);
    }

    private IptablesDetection() {}

    /**
     * Finds out how to redirect with iptables on this node: by netlink where the nf_tables variant may be used and the
     * kernel takes its rules, by the programs elsewhere.
     *
     * @param forced {@code nft}, {@code legacy}, a name such as {@code iptables-nft}, or the path of such a program;
     *     empty to choose
     * @param way by which of them, or either
     * @throws RedirectException if none works, with what was tried and what to install
     */
    static NodeTools detect(String forced, RuleWay way) {
        return detect(forced, way, SampleRules::attempt);
    }

    /** Finds that out by a trial of another kind. */
    static NodeTools detect(String forced, RuleWay way, Trial trial) {
        LibC.load();
        return switch (way) {
            case PROGRAMS -> byPrograms(forced);
            case NETLINK ->
                byNetlink(forced, trial)
                        .orElseThrow(() -> new RedirectException("rules by netlink are for the nf_tables variant of"
                                + " iptables, and " + forced + " is not it"));
            case EITHER -> {
                Optional<ByNetlink> found = byNetlink(forced, trial);
                yield found.isPresent() && !found.get().problems().containsKey(IpFamily.IPV4)
                        ? found.get()
                        : byPrograms(forced);
            }
        };
    }

    /** The legacy variants that are installed: what an earlier version left there takes them to remove. */
    static List<IptablesTool> legacy() {
        return oneOfEachKind(installed()).stream()
                .filter(tool -> tool.kind() == IptablesTool.Kind.LEGACY)
                .toList();
    }

    private static Optional<ByNetlink> byNetlink(String forced, Trial trial) {
        List<IptablesTool> candidates = candidates(forced);
        Optional<IptablesTool> program = candidates.stream()
                .filter(tool -> tool.kind() == IptablesTool.Kind.NFT)
                .findFirst();
        if (!forced.isEmpty() && program.isEmpty()) {
            return Optional.empty();
        }
        boolean throwaway = NetworkNamespace.canMakeNew();
        Map<IpFamily, String> problems = new LinkedHashMap<>();
        for (IpFamily family : IpFamily.values()) {
            try {
                trial.attempt(new NetlinkLayer(Map.of(family, SampleRules.of(family)), Map.of(), List.of()), throwaway);
            } catch (RedirectException e) {
                problems.put(family, e.getMessage());
            }
        }
        return Optional.of(new ByNetlink(program, legacy(), problems));
    }

    private static List<IptablesTool> candidates(String forced) {
        return forced.isEmpty() ? installed() : forced(forced).stream().toList();
    }

    private static ByPrograms byPrograms(String forced) {
        List<IptablesTool> candidates = candidates(forced);
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
        return new ByPrograms(chosen, others, tried.get(chosen));
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
