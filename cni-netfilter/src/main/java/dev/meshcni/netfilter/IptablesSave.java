// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.InvalidParameterException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The output of {@code iptables-save(8)} or {@code ip6tables-save(8)}, from the nf_tables variant or the legacy one,
 * with or without counters.
 *
 * @param chains by table, then by chain, each in the order of the printout; built-in chains included
 * @param dropping tables that have a built-in chain whose policy is not to accept what no rule decided
 * @param unreadable tables that {@code iptables} cannot show because others filled them by means of {@code nft}
 */
public record IptablesSave(
        Map<String, Map<String, List<SavedRule>>> chains, Set<String> dropping, Set<String> unreadable) {
    private static final Pattern CHAIN = Pattern.compile(":[!-~]+ (?:-|[A-Z]+)(?: \\[\\d+:\\d+])?");
    private static final String INCOMPATIBLE = "# Table `";

    public IptablesSave {
        Map<String, Map<String, List<SavedRule>>> copy = new LinkedHashMap<>();
        chains.forEach((table, rules) -> copy.put(table, new LinkedHashMap<>(rules)));
        chains = copy;
        dropping = Set.copyOf(dropping);
        unreadable = Set.copyOf(unreadable);
    }

    /** A namespace without any rule. */
    public static IptablesSave empty() {
        return new IptablesSave(Map.of(), Set.of(), Set.of());
    }

    /**
     * Reads a printout.
     *
     * @throws IllegalArgumentException if a line is none that {@code iptables-save} prints
     */
    public static IptablesSave parse(String text) {
        Map<String, List<String>> sections = new LinkedHashMap<>();
        List<String> section = null;
        List<String> unreadable = new ArrayList<>();
        for (String line : lines(text)) {
            if (line.startsWith(INCOMPATIBLE)) {
                unreadable.add(line.substring(INCOMPATIBLE.length(), line.indexOf('\'')));
            } else if (line.startsWith("*")) {
                section = sections.computeIfAbsent(line.substring(1), _ -> new ArrayList<>());
            } else if (!line.isBlank() && !line.startsWith("#") && !line.equals("COMMIT")) {
                if (section == null) {
                    throw notSaved(line);
                }
                section.add(line);
            }
        }
        Map<String, Map<String, List<SavedRule>>> tables = new LinkedHashMap<>();
        Set<String> dropping = new HashSet<>();
        sections.forEach((table, lines) -> {
            tables.put(table, chains(lines));
            if (lines.stream().anyMatch(IptablesSave::isDroppingPolicy)) {
                dropping.add(table);
            }
        });
        return new IptablesSave(tables, dropping, Set.copyOf(unreadable));
    }

    /**
     * The lines of a printout. A comment may hold line ends, which are printed as they are, within its quotes; quotes
     * within it follow a backslash. Names of chains hold neither.
     */
    private static List<String> lines(String text) {
        List<String> lines = new ArrayList<>();
        int start = 0;
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && quoted) {
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == '\n' && !quoted) {
                lines.add(text.substring(start, i));
                start = i + 1;
            }
        }
        if (quoted) {
            throw new IllegalArgumentException("iptables-save ends within quotes");
        }
        lines.add(text.substring(start));
        return lines;
    }

    /** The chains of a table, by name; empty if the table is not there. */
    public Map<String, List<SavedRule>> table(String label) {
        return chains.getOrDefault(Objects.requireNonNull(label, "label is null"), Map.of());
    }

    private static Map<String, List<SavedRule>> chains(List<String> lines) {
        Map<String, List<SavedRule>> chains = new LinkedHashMap<>();
        lines.stream().filter(line -> line.startsWith(":")).forEach(line -> {
            if (!CHAIN.matcher(line).matches()) {
                throw notSaved(line);
            }
            chains.put(line.substring(1, line.indexOf(' ')), new ArrayList<>());
        });
        Set<String> own =
                chains.keySet().stream().filter(name -> !Chain.isBuiltIn(name)).collect(Collectors.toSet());
        lines.stream().filter(line -> !line.startsWith(":")).forEach(line -> addRule(chains, own, line));
        return chains;
    }

    /**
     * A chain is printed as {@code :NAME POLICY [packets:bytes]}; one that is not built in has the policy {@code -}.
     */
    private static boolean isDroppingPolicy(String line) {
        return line.startsWith(":") && !line.contains(" ACCEPT") && !line.contains(" - ");
    }

    private static void addRule(Map<String, List<SavedRule>> chains, Set<String> own, String line) {
        String rule = line.startsWith("[") ? line.substring(line.indexOf(' ') + 1) : line;
        if (!rule.startsWith("-A ")) {
            throw notSaved(line);
        }
        int end = rule.indexOf(' ', 3);
        String chain = end < 0 ? rule.substring(3) : rule.substring(3, end);
        String rest = end < 0 ? "" : rule.substring(end + 1);
        chains.computeIfAbsent(chain, _ -> new ArrayList<>()).add(SavedRuleParser.parse(rest, own));
    }

    private static IllegalArgumentException notSaved(String line) {
        return new IllegalArgumentException("not a line of iptables-save: " + InvalidParameterException.quote(line));
    }
}
