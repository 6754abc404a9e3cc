// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.AgentlessDecision;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What plugins left in the run directory comes into the agent's log. */
class AgentlessDecisionsTest {
    private static final String TIME = "2026-03-01T10:20:30.456Z";

    @TempDir
    private Path directory;

    private CapturedLog log;

    @BeforeEach
    void listen() {
        log = CapturedLog.of(AgentlessDecisions.class);
    }

    @AfterEach
    void release() {
        log.close();
    }

    @Test
    void eachDecisionIsALineOfItsLevelAndTheFileIsGone() throws Exception {
        leave(line("ADD", "shop/web", Outcome.RETRY, "no agent"), line("DEL", "shop/old", Outcome.OK, "left"));

        takeAll(2);

        assertThat(log.lines())
                .containsExactly("WARN while the agent was away: no agent", "INFO while the agent was away: left");
        assertThat(log.keyValues().getFirst())
                .containsEntry("command", "ADD")
                .containsEntry("pod", "shop/web")
                .containsEntry("outcome", "retry")
                .containsEntry("at", TIME);
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void whatAnAgentHadTakenWhenItWasKilledIsLoggedByTheNext() throws Exception {
        Files.writeString(
                directory.resolve("plugin.log.5f0c"), line("ADD", "shop/web", Outcome.RETRY, "no agent") + "\n");

        takeAll(1);

        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aLineThatWasCutShortIsCountedAndItsTextIsNotLogged() throws Exception {
        leave("2026-03-01T10:20:30Z\tADD\tshop/we", line("ADD", "shop/web", Outcome.RETRY, "no agent"));

        takeAll(2);

        assertThat(log.lines().getFirst())
                .contains("invalid line in plugin.log")
                .doesNotContain("shop/we");
    }

    @Test
    void aFileThatWasFullSaysThatThereWasMore() throws Exception {
        String line = line("ADD", "shop/web", Outcome.RETRY, "r".repeat(500)) + "\n";
        int lines = AgentlessDecision.LONGEST_FILE / line.length() + 1;
        leave(line.repeat(lines));

        takeAll(lines + 1);

        assertThat(log.lines().getLast()).contains("plugin.log is full");
    }

    @Test
    @Slow
    void whatIsNoFileIsLeftAlone() throws Exception {
        Path elsewhere = Files.writeString(directory.resolve("elsewhere"), "not ours\n");
        Files.createSymbolicLink(directory.resolve("plugin.log"), elsewhere);
        Files.createDirectory(directory.resolve("plugin.log.d"));

        try (AgentlessDecisions _ = AgentlessDecisions.start(directory)) {
            Files.writeString(
                    directory.resolve("plugin.log.5f0c"), line("ADD", "shop/web", Outcome.RETRY, "no agent") + "\n");
            eventually("taken", () -> !Files.exists(directory.resolve("plugin.log.5f0c")));
        }

        assertThat(elsewhere).hasContent("not ours");
        assertThat(log.lines()).hasSizeLessThanOrEqualTo(1);
    }

    @Test
    void aDirectoryThatIsNotThereIsNoTrouble() {
        AgentlessDecisions.start(directory.resolve("nowhere")).close();

        assertThat(log.lines()).isEmpty();
    }

    private void leave(String... lines) throws IOException {
        Files.writeString(directory.resolve("plugin.log"), "\n" + String.join("\n\n", lines) + "\n");
    }

    private void takeAll(int logged) throws Exception {
        try (AgentlessDecisions _ = AgentlessDecisions.start(directory)) {
            eventually("logged", () -> log.lines().size() == logged);
        }
    }

    private static String line(String command, String pod, Outcome outcome, String reason) {
        return new AgentlessDecision(TIME, command, pod, outcome, reason).line();
    }
}
