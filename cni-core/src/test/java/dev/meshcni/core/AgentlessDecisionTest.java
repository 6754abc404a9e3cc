// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AgentlessDecisionTest {
    private static final String TIME = "2026-03-01T10:20:30.456Z";

    @Test
    void aLineIsReadAsItWasWritten() {
        AgentlessDecision decision = decision("shop/web-0", "the agent does not answer");

        assertThat(AgentlessDecision.parse(decision.line())).hasValue(decision);
    }

    @ParameterizedTest
    @ValueSource(ints = {'\n', '\r', '\t', 0x1b, 0x85, 0x2028, 0x2029, 0x202e, 0xd800})
    void whatAPodIsCalledEndsNoLineAndChangesNoScreen(int hostile) {
        String name = "web" + (char) hostile + "2026-03-01T10:20:30Z\tADD\tshop/other\tredirected\tforged";
        AgentlessDecision decision = decision("shop/" + name, name);

        assertThat(decision.line().split("\t", -1)).hasSize(5);
        assertThat(decision.pod()).startsWith("shop/web?2026").doesNotContain(Character.toString((char) hostile));
        assertThat(AgentlessDecision.parse(decision.line())).hasValue(decision);
    }

    @Test
    void aLineIsNeverLongerThanAPage() {
        String longest = Character.toString(0x1F600).repeat(10_000);

        assertThat(decision(longest, longest).line().getBytes(StandardCharsets.UTF_8))
                .hasSizeLessThan(4096);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "one",
                "a\tb\tc\td\te",
                "2026-03-01T10:20:30Z\tADD\tshop/web\tnonsense\twhy",
                "2026-03-01T10:20:30Z\tADD\tshop/web\tretry\twhy\tmore"
            })
    void whatIsNoLineIsNotRead(String text) {
        assertThat(AgentlessDecision.parse(text)).isEmpty();
    }

    @Test
    void aPodThatWaitsMattersMoreThanOneThatPasses() {
        assertThat(decision("shop/web", "").level()).isEqualTo(Level.WARNING);
        assertThat(new AgentlessDecision(TIME, "ADD", "kube-system/dns", Answer.Outcome.SKIPPED, "excluded").level())
                .isEqualTo(Level.INFO);
        assertThat(new AgentlessDecision(TIME, "STATUS", "", Answer.Outcome.FAILED, "").level())
                .isEqualTo(Level.DEBUG);
    }

    @ParameterizedTest
    @CsvSource({
        "debug,true,true",
        "info,true,true",
        "anything else,true,true",
        "warn,true,false",
        "error,false,false",
        "none,false,false"
    })
    void theLevelOfTheConfigurationDecidesWhatIsLogged(String level, boolean refused, boolean passed) {
        AgentlessDecision pass = new AgentlessDecision(TIME, "DEL", "shop/web", Answer.Outcome.OK, "");

        assertThat(decision("shop/web", "").isLoggedAt(level)).isEqualTo(refused);
        assertThat(pass.isLoggedAt(level)).isEqualTo(passed);
    }

    private static AgentlessDecision decision(String pod, String reason) {
        return new AgentlessDecision(TIME, "ADD", pod, Answer.Outcome.RETRY, reason);
    }
}
