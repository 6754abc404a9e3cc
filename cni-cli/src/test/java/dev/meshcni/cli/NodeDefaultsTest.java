// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.config.EnvironmentDefaults;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

class NodeDefaultsTest {
    private static final String CONF_DIR = "--mounted-cni-net-dir";

    @TempDir
    private Path node;

    @Test
    void withoutTheMountsOfTheDaemonTheDirectoryIsTheNodesOwn() {
        assertThat(defaultOf("/host/none", Map.of(), node)).isEqualTo(node.toString());
    }

    @Test
    void whatIsMountedCountsFirst() throws Exception {
        Path mounted = Files.createDirectory(node.resolve("host"));

        assertThat(defaultOf(mounted.toString(), Map.of(), node)).isEqualTo(mounted.toString());
    }

    @Test
    void whatTheEnvironmentSaysIsNeverReplaced() {
        assertThat(defaultOf("/host/none", Map.of("MOUNTED_CNI_NET_DIR", "/somewhere/else"), node))
                .isEqualTo("/somewhere/else");
    }

    @Test
    void offANodeItIsThatOfTheDaemonAsTheErrorSays() {
        assertThat(defaultOf("/host/none", Map.of(), node.resolve("none"))).isEqualTo("/host/none");
    }

    @Test
    void ofSeveralPlatformsItIsThatOfWhichAllIsThere() throws Exception {
        Path conf = Files.createDirectory(node.resolve("net.d"));
        NodeDefaults defaults = new NodeDefaults(
                new EnvironmentDefaults(Map.of()),
                List.of(
                        new NodeDefaults.Layout(conf, node.resolve("none")),
                        new NodeDefaults.Layout(conf, Files.createDirectory(node.resolve("bin")))));

        assertThat(defaults.defaultValue(OptionSpec.builder("--cni-bin-target-dir")
                        .defaultValue("/host/none")
                        .build()))
                .isEqualTo(node.resolve("bin").toString());
    }

    /** Variables of these names are common, and mean something else. */
    @ParameterizedTest
    @ValueSource(strings = {"doctor", "install", "uninstall"})
    void onlyOptionsOfTheNodeHaveVariables(String command) {
        Map<String, String> environment = new HashMap<>();
        for (String name : List.of("CLUSTER", "CONTEXT", "FORCE", "HELP", "NAMESPACE", "O", "OUTPUT", "VERSION")) {
            environment.put(name, "true");
        }
        environment.put("CNI_CONF_NAME", "10-b.conflist");
        ParseResult parsed = Meshcni.commandLine(environment).parseArgs(command).subcommand();

        assertThat(parsed.commandSpec().options())
                .filteredOn(option -> environment.containsKey(EnvironmentDefaults.variable(option.longestName())))
                .allSatisfy(option -> assertThat(
                                Objects.toString(option.getValue(), "").equals("true"))
                        .as(option.longestName())
                        .isFalse());
        assertThat((String) parsed.commandSpec().findOption("--cni-conf-name").getValue())
                .isEqualTo("10-b.conflist");
    }

    private static String defaultOf(String own, Map<String, String> environment, Path onTheNode) {
        return new NodeDefaults(
                        new EnvironmentDefaults(environment), List.of(new NodeDefaults.Layout(onTheNode, onTheNode)))
                .defaultValue(OptionSpec.builder(CONF_DIR).defaultValue(own).build());
    }
}
