// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the plugin decides while the agent is away is in the agent's log when it is back. */
@NeedsRoot("makes network namespaces")
class AgentAwayTest {
    private static final String FORGED = "2026-03-01T10:20:30.456Z INFO  pod=shop/other redirected";

    private Netns node;
    private Netns pod;
    private Agent agent;

    @BeforeEach
    void start() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables");
        Dist.needed();
        node = Netns.create("node");
        pod = Netns.create("pod");
        agent = Agent.start(node, "--pod-wait-seconds", "1");
    }

    @AfterEach
    void stop() {
        try (Netns _ = node;
                Netns _ = pod) {
            if (agent != null) {
                agent.close();
            }
        }
    }

    @Test
    void everyDecisionIsToldOnceInALineOfItsOwn() throws Exception {
        agent.kill();
        List<String> names = List.of("web-0", "web-1", "web-2", "web-3", "web-4", "web-5");
        try (ExecutorService kubelet = Executors.newFixedThreadPool(names.size())) {
            List<Future<Integer>> codes = new ArrayList<>();
            names.forEach(name -> codes.add(kubelet.submit(() -> code(call("ADD", "shop", name, "info")))));
            for (Future<Integer> code : codes) {
                assertThat(code.get()).isEqualTo(ErrorCode.TRY_AGAIN_LATER);
            }
        }
        assertThat(call("ADD", "kube-system", "dns", "info").exitCode()).isZero();
        assertThat(call("DEL", "shop", "old", "info").exitCode()).isZero();
        assertThat(Files.getPosixFilePermissions(left())).isEqualTo(PosixFilePermissions.fromString("rw-------"));

        agent.startAgain();

        Eventually.isTrue("all is told", () -> told().size() == names.size() + 2);
        for (String name : names) {
            assertThat(told())
                    .filteredOn(line -> line.contains("pod=shop/" + name + " "))
                    .singleElement()
                    .asString()
                    .contains(" WARN ", "command=ADD", "outcome=retry", "the mesh-cni agent does not answer");
        }
        assertThat(told())
                .anyMatch(line -> line.contains("pod=kube-system/dns ") && line.contains("is excluded"))
                .anyMatch(line -> line.contains("pod=shop/old ") && line.contains("command=DEL"));
        assertThat(left()).doesNotExist();
    }

    @Test
    void theLevelOfTheConfigurationKeepsWhatIsOfNoInterestOut() {
        agent.kill();
        call("ADD", "kube-system", "dns", "warn");
        call("ADD", "shop", "web-0", "warn");

        agent.startAgain();

        Eventually.isTrue("it is told", () -> !told().isEmpty());
        assertThat(told()).singleElement().asString().contains("shop/web-0");
    }

    @Test
    void aPodsNameForgesNoLineNeitherWithoutTheAgentNorWithIt() {
        String hostile = "web\n" + FORGED + "\u001b[2K";
        agent.kill();
        assertThat(code(call("ADD", "shop", hostile, "info"))).isEqualTo(ErrorCode.TRY_AGAIN_LATER);
        agent.startAgain();
        Eventually.isTrue("it is told", () -> !told().isEmpty());

        call("ADD", "shop", hostile, "info");

        Eventually.isTrue(
                "the agent has logged its own decision",
                () -> agent.logged()
                                .lines()
                                .filter(line -> line.contains("shop/web?2026"))
                                .count()
                        >= 2);
        assertThat(agent.logged().lines()).noneMatch(line -> line.startsWith(FORGED));
        assertThat(agent.logged()).doesNotContain("\u001b");
    }

    @Test
    void whereNothingCanBeLeftThePluginAnswersTheSame() throws IOException {
        agent.kill();
        Files.createDirectory(left());

        Command.Result refused = call("ADD", "shop", "web-0", "info");

        assertThat(code(refused)).isEqualTo(ErrorCode.TRY_AGAIN_LATER);
        assertThat(refused.err()).isEmpty();
    }

    private Command.Result call(String command, String namespace, String name, String level) {
        PluginCall call = PluginCall.of(command, pod, namespace, name, agent.pluginConf())
                .configured(conf -> conf.put("plugin_log_level", level));
        return PluginProcess.run(call, node);
    }

    private static int code(Command.Result refused) {
        JsonNode error = CniJson.lenientObject(refused.out());
        return error.path("code").asInt();
    }

    private List<String> told() {
        return agent.logged()
                .lines()
                .filter(line -> line.contains("while the agent was away: "))
                .toList();
    }

    private Path left() {
        return agent.runDirectory().resolve("plugin.log");
    }
}
