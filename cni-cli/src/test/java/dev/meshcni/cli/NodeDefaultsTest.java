// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.config.EnvironmentDefaults;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Model.OptionSpec;

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

    private static String defaultOf(String own, Map<String, String> environment, Path onTheNode) {
        return new NodeDefaults(
                        new EnvironmentDefaults(environment), List.of(new NodeDefaults.Layout(onTheNode, onTheNode)))
                .defaultValue(OptionSpec.builder(CONF_DIR).defaultValue(own).build());
    }
}
