// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;

/** The plugin as a process of its own, started the way a container runtime does. */
final class PluginProcess {
    private PluginProcess() {}

    /** Runs it in the namespace that plays the node, with nothing in its environment but the call's variables. */
    static Command.Result run(PluginCall call, Netns node) {
        return node.command(Dist.program("istio-cni").toString())
                .onlyEnvironment(call.environment())
                .input(call.input())
                .result();
    }

    /** Runs it likewise, and fails the test unless it succeeds. */
    static void succeed(PluginCall call, Netns node) {
        Command.Result result = run(call, node);
        assertThat(result.exitCode()).as("%s: %s", call.command(), result.out()).isZero();
    }

    /** Checks exit code and output, and that it is silent on the other one; returns the code of an error. */
    static Optional<Integer> check(PluginCall call, Command.Result result) {
        assertThat(result.err()).as("standard error").doesNotContain("Exception", "\tat ");
        return CniOutput.check(call.command(), result.exitCode(), result.out().getBytes(UTF_8));
    }
}
