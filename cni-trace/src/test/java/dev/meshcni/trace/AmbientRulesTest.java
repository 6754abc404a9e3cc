// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.netfilter.IptablesRenderer;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.testkit.RecordedAmbient;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Rule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The rules of ambient pods, line by line beside those that Istio's node agent writes. */
class AmbientRulesTest {
    @ParameterizedTest
    @EnumSource
    void linesAreThoseOfIstioInTheSameOrderOfEachChain(RecordedAmbient recorded) {
        RedirectPlan plan = recorded.plan(EnumSet.allOf(IpFamily.class));

        for (IpFamily family : IpFamily.values()) {
            String ours = IptablesRenderer.render(plan.wantedRules(family));
            assertThat(chains(ours)).isEqualTo(chains(recorded.iptables(family)));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFamilyThatIsNotRedirectedHasNoRules(RecordedAmbient recorded) {
        RedirectPlan plan = recorded.plan(EnumSet.of(IpFamily.IPV4));

        assertThat(plan.families()).containsExactly(IpFamily.IPV4);
        assertThat(plan.wantedRules(IpFamily.IPV4))
                .isEqualTo(recorded.plan(EnumSet.allOf(IpFamily.class)).wantedRules(IpFamily.IPV4));
        assertThat(plan.routing()).contains(AmbientRules.ROUTING);
    }

    @Test
    void marksAreShownWithTheirMasks() {
        RedirectPlan plan = RecordedAmbient.DNS_CAPTURED.plan(Set.of(IpFamily.IPV4));

        assertThat(TreeRenderer.render(plan))
                .contains("marked 0x539/0xfff → mark connection 0x111/0xfff")
                .contains("packets marked 0x111/0xfff are delivered locally (route table 100)");
        assertThat(MermaidRenderer.render(plan))
                .contains("1: marked 0x539/0xfff")
                .contains("mark connection 0x111/0xfff");
    }

    @Test
    void everyRuleSaysWhatItIsForAndWhatIsBehindIt() {
        for (RecordedAmbient recorded : RecordedAmbient.values()) {
            List<String> origins = recorded.plan(Set.of(IpFamily.IPV4)).ruleSets().getFirst().tables().values().stream()
                    .flatMap(List::stream)
                    .map(Chain::rules)
                    .flatMap(List::stream)
                    .map(Rule::origin)
                    .toList();
            assertThat(origins).allMatch(origin -> origin.matches(".+ \\((always|variable \\S+|annotation \\S+)\\)"));
        }
    }

    /** By table and chain: the chains that are made, and the rules, each as a sorted list of what it asks and does. */
    private static Map<String, List<List<String>>> chains(String restore) {
        Map<String, List<List<String>>> chains = new TreeMap<>();
        String table = "";
        for (String line : restore.lines().toList()) {
            List<String> words = Arrays.asList(line.split(" "));
            String first = words.getFirst();
            if (first.startsWith("*")) {
                table = first + " ";
            } else if (first.startsWith(":")) {
                chains.put(table + first.substring(1), new ArrayList<>());
            } else if (first.equals("-N")) {
                chains.put(table + words.get(1), new ArrayList<>());
            } else if (first.equals("-A")) {
                chains.computeIfAbsent(table + words.get(1), _ -> new ArrayList<>())
                        .add(options(words.subList(2, words.size())));
            }
        }
        return chains;
    }

    /**
     * The options of a rule. Istio names no prefix of an address, names a protocol twice, spells one option in two
     * ways, and has matches of one rule in an order of its own: all that means the same to the kernel.
     */
    private static List<String> options(List<String> rule) {
        List<String> options = new ArrayList<>();
        String option = "";
        for (String word : rule) {
            if (word.startsWith("-") && !option.equals("!")) {
                options.add(same(option));
                option = word;
            } else if (word.equals("!")) {
                options.add(same(option));
                option = word;
            } else {
                option += " " + word;
            }
        }
        options.add(same(option));
        options.removeAll(List.of("", "-m tcp", "-m udp"));
        options.sort(Comparator.naturalOrder());
        return options;
    }

    private static String same(String option) {
        if (option.matches("(! )?-[sd] [^/]+")) {
            return option + (option.contains(":") ? "/128" : "/32");
        }
        return option.replace("--to-port ", "--to-ports ");
    }
}
