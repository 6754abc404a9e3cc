// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class IptablesEditTest {
    private static final Rule JUMP = new Rule(List.of(), new Target.Jump("ISTIO_OUTPUT"), "");
    private static final Rule DROP = new Rule(List.of(), new Target.Drop(), "");
    private static final RuleSet WANTED = new RuleSet(
            IpFamily.IPV4,
            Map.of(
                    Table.NAT,
                    List.of(new Chain("OUTPUT", 1, List.of(DROP, JUMP)), new Chain("ISTIO_OUTPUT", 0, List.of(DROP)))));

    @Test
    void inAnEmptyNamespaceItIsWhatTheRendererWrites() {
        assertThat(IptablesEdit.of(WANTED, IptablesSave.empty()))
                .isEqualTo(new IptablesEdit(IptablesRenderer.render(WANTED), ""));
    }

    @Test
    void whatIsThereAlreadyNeedsNoEdit() {
        IptablesSave there = save("-A OUTPUT -j DROP\n-A OUTPUT -j ISTIO_OUTPUT\n-A ISTIO_OUTPUT -j DROP\n");

        assertThat(IptablesEdit.of(WANTED, there).isEmpty()).isTrue();
    }

    @Test
    void rulesOfAFormerPlanGoByNumberFromTheEndAndItsChainsLast() {
        IptablesSave there = save("""
                :ISTIO_OLD - [0:0]
                -A OUTPUT -j ISTIO_OLD
                -A OUTPUT -p icmp -j LOG
                -A OUTPUT -p icmp -j ISTIO_OUTPUT
                -A ISTIO_OLD -j ISTIO_OUTPUT
                """);

        assertThat(IptablesEdit.of(WANTED, there).changes()).isEqualTo("""
                        *nat
                        :ISTIO_OUTPUT - [0:0]
                        -F ISTIO_OLD
                        -D OUTPUT 3
                        -D OUTPUT 1
                        -X ISTIO_OLD
                        -I OUTPUT 1 -j DROP
                        -A OUTPUT -j ISTIO_OUTPUT
                        -A ISTIO_OUTPUT -j DROP
                        COMMIT
                        """);
    }

    @Test
    void oursGoBeforeARuleOfOthersThatWouldDecideInstead() {
        IptablesSave there = save("-A OUTPUT -p icmp -j LOG\n-A OUTPUT -p icmp -j ACCEPT\n");

        assertThat(IptablesEdit.of(WANTED, there).changes())
                .contains("-I OUTPUT 1 -j DROP\n", "-I OUTPUT 3 -j ISTIO_OUTPUT\n");
    }

    @Test
    void aTableThatHoldsNothingElseIsEmptiedAsAWhole() {
        RuleSet nothing = new RuleSet(IpFamily.IPV4, Map.of());
        IptablesSave ours = save("-A OUTPUT -j ISTIO_OUTPUT\n");
        IptablesSave shared = save("-A OUTPUT -j ISTIO_OUTPUT\n-A OUTPUT -p icmp -j LOG\n");

        assertThat(IptablesEdit.of(nothing, ours)).isEqualTo(new IptablesEdit("", "*nat\nCOMMIT\n"));
        assertThat(IptablesEdit.of(nothing, shared).emptied()).isEmpty();
    }

    @Test
    void undoRestoresTheTablesOfTheEditAndNoOther() {
        String before = """
                # Generated
                *filter
                :INPUT ACCEPT [1:2]
                COMMIT
                # Completed
                # Generated
                *nat
                :OUTPUT ACCEPT [3:4]
                [5:6] -A OUTPUT -j ACCEPT
                COMMIT
                # Completed
                """;
        IptablesEdit edit = new IptablesEdit("*nat\n-A OUTPUT -j DROP\nCOMMIT\n", "*mangle\nCOMMIT\n");

        assertThat(edit.undo(before))
                .isEqualTo("*nat\n:OUTPUT ACCEPT [3:4]\n[5:6] -A OUTPUT -j ACCEPT\nCOMMIT\n*mangle\nCOMMIT\n");
    }

    private static IptablesSave save(String rules) {
        return IptablesSave.parse("*nat\n:OUTPUT ACCEPT [0:0]\n:ISTIO_OUTPUT - [0:0]\n" + rules + "COMMIT\n");
    }
}
