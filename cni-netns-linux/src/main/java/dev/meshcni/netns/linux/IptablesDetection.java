package dev.meshcni.netns.linux;

import dev.meshcni.core.Chain;
import dev.meshcni.core.Cidr;
import dev.meshcni.core.InterfaceName;
import dev.meshcni.core.IpFamily;
import dev.meshcni.core.IptablesRenderer;
import dev.meshcni.core.IptablesSave;
import dev.meshcni.core.Match;
import dev.meshcni.core.RedirectException;
import dev.meshcni.core.Rule;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.RuleSet;
import dev.meshcni.core.RuleSetComparison;
import dev.meshcni.core.Table;
import dev.meshcni.core.Target;
import dev.meshcni.core.TransportProtocol;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds the variant of {@code iptables} that works on this node, by loading and reading rules in a network namespace that
 * is made for it and thrown away. What is merely installed need not work: the kernel may lack either implementation. A
 * process that may not make namespaces, as in an init container, asks the programs to check the rules without loading them.
 */
final class IptablesDetection {
    private static final List<String> NAMES = List.of("-nft", "-legacy", "");
    private static final List<Path> DIRECTORIES = Stream.of(
                    "/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin", "/usr/local/bin")
            .map(Path::of)
            .toList();

    /**
     * The variants of this node.
     *
     * @param chosen the one that redirects pods
     * @param others the ones of the other kind that work: rules of ours that an earlier version left there are removed
     * @param problems by family, why it does not work with the chosen variant; a family that works is absent
     */
    record Found(IptablesTool chosen, List<IptablesTool> others, Map<IpFamily, String> problems) {}

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
        List<IptablesTool> installed = forced.isEmpty()
                ? NAMES.stream()
                        .flatMap(name -> IptablesTool.find(name, directories()).stream())
                        .toList()
                : forced(forced).stream().toList();
        Map<IptablesTool, Map<IpFamily, String>> tried = new LinkedHashMap<>();
        boolean throwaway = NetworkNamespace.canMakeNew();
        for (IptablesTool tool : installed) {
            // Even a check of the legacy variant makes its tables: not in a namespace that stays, unless it is needed.
            boolean needed = throwaway || tried.values().stream().noneMatch(Map::isEmpty);
            tried.put(tool, needed ? problems(tool, throwaway) : Map.of());
        }
        IptablesTool chosen = tried.keySet().stream()
                .filter(tool -> tried.get(tool).isEmpty())
                .findFirst()
                .or(() -> tried.keySet().stream()
                        .filter(tool -> !tried.get(tool).containsKey(IpFamily.IPV4))
                        .findFirst())
                .orElseThrow(() -> new RedirectException(nothingWorks(forced, tried)));
        return new Found(chosen, others(chosen, forced, tried), tried.get(chosen));
    }

    private static List<IptablesTool> others(
            IptablesTool chosen, String forced, Map<IptablesTool, Map<IpFamily, String>> tried) {
        Stream<IptablesTool> candidates = forced.isEmpty()
                ? tried.keySet().stream()
                : NAMES.stream().flatMap(name -> IptablesTool.find(name, directories()).stream());
        return candidates.filter(tool -> tool.kind() != chosen.kind()).limit(1).toList();
    }

    private static Optional<IptablesTool> forced(String forced) {
        if (forced.startsWith("/")) {
            Path path = Path.of(forced);
            String name = path.getFileName().toString();
            return IptablesTool.find(
                    suffix(name), List.of(path.resolveSibling(".").normalize()));
        }
        return IptablesTool.find(suffix(forced), directories());
    }

    private static String suffix(String name) {
        String suffix = name.replaceFirst("^ip6?tables-?", "").replaceFirst("-?(restore|save)$", "");
        return suffix.isEmpty() ? "" : "-" + suffix;
    }

    private static List<Path> directories() {
        List<Path> directories = new ArrayList<>(DIRECTORIES);
        String path = System.getenv("PATH");
        if (path != null) {
            Stream.of(path.split(":", -1))
                    .filter(part -> part.startsWith("/"))
                    .forEach(part -> directories.add(Path.of(part)));
        }
        return directories;
    }

    private static Map<IpFamily, String> problems(IptablesTool tool, boolean throwaway) {
        Map<IpFamily, String> problems = new LinkedHashMap<>();
        for (IpFamily family : IpFamily.values()) {
            try {
                RuleSet sample = sample(family);
                List<RuleDifference> differences =
                        throwaway ? NetworkNamespace.insideNew(() -> load(tool, sample)) : check(tool, sample);
                if (!differences.isEmpty()) {
                    problems.put(family, "rules came back changed: " + differences.getFirst());
                }
            } catch (RedirectException | IllegalArgumentException e) {
                problems.put(family, e.getMessage());
            }
        }
        return problems;
    }

    private static List<RuleDifference> load(IptablesTool tool, RuleSet sample) {
        tool.add(sample.family(), IptablesRenderer.render(sample));
        return RuleSetComparison.differences(sample, IptablesSave.parse(tool.save(sample.family())));
    }

    private static List<RuleDifference> check(IptablesTool tool, RuleSet sample) {
        tool.check(sample.family(), IptablesRenderer.render(sample));
        return List.of();
    }

    /** One rule with each of the extensions that every pod needs. */
    private static RuleSet sample(IpFamily family) {
        String loopback = family == IpFamily.IPV4 ? "127.0.0.1/32" : "::1/128";
        Rule jump = new Rule(List.of(), new Target.Jump("ISTIO_OUTPUT"), "");
        Rule redirect = new Rule(
                List.of(
                        new Match.Destination(Cidr.parse(loopback), true),
                        new Match.OutInterface(InterfaceName.LOOPBACK, false),
                        new Match.Protocol(TransportProtocol.TCP),
                        new Match.DestinationPort(15008, true),
                        new Match.UidOwner(1337, false)),
                new Target.Redirect(15006),
                "");
        return new RuleSet(
                family,
                Map.of(
                        Table.NAT,
                        List.of(
                                new Chain("OUTPUT", 0, List.of(jump)),
                                new Chain("ISTIO_OUTPUT", 0, List.of(redirect)))));
    }

    private static String nothingWorks(String forced, Map<IptablesTool, Map<IpFamily, String>> tried) {
        if (tried.isEmpty()) {
            return "no iptables" + (forced.isEmpty() ? "" : " (" + forced + ")")
                    + " found: install the package iptables (iptables-restore, iptables-save and their ip6tables twins)";
        }
        StringBuilder message = new StringBuilder("no variant of iptables works here:");
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
