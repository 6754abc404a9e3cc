// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Options of {@code install-cni} of which only the real program shows that they do something. */
@NeedsRoot("makes network namespaces")
class InstallCniTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String NO_SUCH = "iptables-no-such";

    @TempDir
    private Path directory;

    private Netns node;

    @BeforeEach
    void makeNode() {
        Machine.needs("ip", "nsenter", "iptables-legacy", "iptables-nft");
        Dist.needed();
        node = Netns.create("node");
    }

    @AfterEach
    void removeNode() {
        if (node != null) {
            node.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"legacy,iptables-legacy", "iptables-legacy,iptables-legacy", "nft,iptables-nft"})
    void theIptablesThatAnOptionNamesRedirects(String program, String chosen) {
        try (Agent agent = Agent.start(node, "--force-iptables-binary", program)) {
            assertThat(agent.logged()).contains("redirection backend: " + chosen);
        }
    }

    @Test
    void theEnvironmentNamesItAsWellAndTheOptionWins() {
        assertThat(fails(Map.of("FORCE_IPTABLES_BINARY", NO_SUCH))).contains(NO_SUCH);
        assertThat(fails(Map.of("FORCE_IPTABLES_BINARY", "nft"), "--force-iptables-binary", NO_SUCH))
                .contains(NO_SUCH);
    }

    @ParameterizedTest
    @CsvSource({"netlink,by netlink", "programs,by its programs"})
    void rulesAreWrittenInTheWayThatAnOperatorNames(String way, String logged) {
        try (Agent agent = Agent.start(node, "--rules-by", way)) {
            assertThat(agent.logged()).containsPattern("redirection backend: iptables-nft [0-9.]+, " + logged);
        }
    }

    @Test
    void aWayOfRulesThatThereIsNotEndsItBeforeAnythingIsMade() {
        assertThat(ends(2, Map.of("RULES_BY", "magic"))).contains("RULES_BY", "NETLINK", "PROGRAMS", "magic");
        assertThat(fails(Map.of("RULES_BY", "netlink"), "--force-iptables-binary", "legacy"))
                .contains("rules by netlink are for the nf_tables variant of iptables, and legacy is not it");
    }

    @Test
    void everyLineOfTheLogIsJsonWhereThatIsAskedFor() throws IOException {
        try (Agent agent = Agent.start(node, "--log-format", "json");
                Netns pod = Netns.create("pod")) {
            PluginCall call = PluginCall.of("DEL", pod, "shop", "web-0", agent.pluginConf());
            assertThat(PluginProcess.run(call, node).exitCode()).isZero();

            Eventually.isTrue("the call is logged", () -> agent.logged().contains("web-0"));
            List<JsonNode> lines = new ArrayList<>();
            for (String line : agent.logged().lines().toList()) {
                lines.add(JSON.readTree(line));
            }
            assertThat(lines)
                    .allSatisfy(line -> assertThat(line.path("timestamp").isIntegralNumber())
                            .isTrue());
            JsonNode decision = lines.getLast();
            assertThat(decision.path("level").asText()).isEqualTo("INFO");
            assertThat(decision.path("formattedMessage").asText()).isNotEmpty();
            assertThat(decision.path("kvpList").findValuesAsText("pod")).containsExactly("shop/web-0");
            assertThat(decision.path("kvpList").findValuesAsText("outcome")).containsExactly("ok");
        }
    }

    @Test
    void theLevelSaysHowMuchIsLogged() {
        try (Agent agent = Agent.start(node, "--log-level", "warn")) {
            assertThat(agent.logged()).isEmpty();
        }
    }

    @Test
    void aDaemonThatIsToldToStopHasSucceeded() {
        try (Agent agent = Agent.start(node)) {
            assertThat(agent.terminate()).isZero();
            assertThat(agent.logged()).contains("agent stopping");
        }
    }

    @Test
    void whatIsWrongWithAVariableIsSaidBeforeAnythingIsMade() {
        assertThat(ends(2, Map.of("EXCLUDE_NAMESPACES", "kube_system")))
                .contains("environment variable EXCLUDE_NAMESPACES: 'kube_system' is not the name of a namespace");
        assertThat(ends(2, Map.of("LOG_LEVEL", "loud"))).contains("environment variable LOG_LEVEL");
    }

    @Test
    void istiosFlagOfTheLogLevelIsHonoured() {
        try (Agent agent = Agent.start(node, "--log_output_level=default:none")) {
            assertThat(agent.logged()).isEmpty();
        }
    }

    private String fails(Map<String, String> environment, String... options) {
        return ends(1, environment, options);
    }

    private String ends(int exit, Map<String, String> environment, String... options) {
        List<String> line = new ArrayList<>(List.of(
                Dist.program("install-cni").toString(),
                "--no-install",
                "--pod-manifest-dir",
                directory.toString(),
                "--cni-agent-run-dir",
                directory.resolve("run").toString()));
        line.addAll(List.of(options));
        Command.Result ended = node.command(line.toArray(String[]::new))
                .environment(environment)
                .result();
        assertThat(ended.exitCode()).isEqualTo(exit);
        assertThat(Files.exists(directory.resolve("run"))).isFalse();
        return ended.err();
    }
}
