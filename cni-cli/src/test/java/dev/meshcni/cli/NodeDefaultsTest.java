// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.config.EnvironmentDefaults;
import java.nio.file.Files;
import java.nio.file.Path;
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

    private static String defaultOf(String own, Map<String, String> environment, Path onTheNode) {
        return new NodeDefaults(new EnvironmentDefaults(environment), Map.of(CONF_DIR, onTheNode))
                .defaultValue(OptionSpec.builder(CONF_DIR).defaultValue(own).build());
    }
}
