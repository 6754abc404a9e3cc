// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.config.ManifestException;
import dev.meshcni.redirect.Pod;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The commands say what the node's agent does, by the agent's settings. */
class PolicyOptionsTest {
    private static final String SELECTOR = "AMBIENT_ENABLEMENT_SELECTOR";

    @Command
    private static final class Any {
        @Mixin
        private final PolicyOptions policy;

        Any(Map<String, String> environment) {
            policy = new PolicyOptions(environment);
        }
    }

    @Test
    void selectorsAreThoseOfTheNode() {
        Map<String, String> node = Map.of(SELECTOR, "[{namespaceSelector: {matchLabels: {team: mesh}}}]");

        assertThat(isAmbient(node, pod("shop", Map.of()), "--namespace-labels=team=mesh,stage=test"))
                .isTrue();
        assertThat(isAmbient(node, pod("shop", Map.of()), "--namespace-labels=team=other"))
                .isFalse();
        assertThat(isAmbient(node, pod("shop", Map.of("istio.io/dataplane-mode", "ambient"))))
                .isFalse();
        assertThatThrownBy(() -> isAmbient(Map.of(SELECTOR, "[{pods: 1}]"), pod("shop", Map.of())))
                .isInstanceOf(ManifestException.class)
                .hasMessageContaining(SELECTOR);
    }

    @Test
    void ztunnelItselfIsNotInTheMesh() {
        Pod ztunnel = pod("istio-system", Map.of("app", "ztunnel"));

        assertThat(isAmbient(Map.of(), ztunnel, "--ambient")).isFalse();
        assertThat(isAmbient(Map.of("SYSTEM_NAMESPACE", "mesh"), ztunnel, "--ambient"))
                .isTrue();
    }

    private static boolean isAmbient(Map<String, String> environment, Pod pod, String... arguments) {
        Any command = new Any(environment);
        CommandLine.ParseResult _ = new CommandLine(command).parseArgs(arguments);
        return command.policy.wanted(pod) instanceof Wanted.Ambient;
    }

    private static Pod pod(String namespace, Map<String, String> labels) {
        return new Pod(namespace, "web", "", labels, Map.of(), false, List.of(), List.of());
    }
}
