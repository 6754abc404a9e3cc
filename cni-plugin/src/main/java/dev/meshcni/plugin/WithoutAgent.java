// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.api.CniException;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.AgentlessDecision;
import dev.meshcni.core.Answer;
import java.io.IOException;

/** A call that no agent answers: the plugin decides alone, and leaves word of it for the agent. */
final class WithoutAgent {
    private static final String DEFAULT_LEVEL = "info";

    private final Host host;
    private final String runDirectory;

    WithoutAgent(Host host, String runDirectory) {
        this.host = host;
        this.runDirectory = runDirectory;
    }

    /**
     * Answers.
     *
     * @param reason why the agent did not answer
     */
    AgentProtocol.Reply answer(AgentProtocol.Request call, String reason) {
        Answer answer = AgentlessPlugin.answer(call, reason);
        AgentlessDecision decision = AgentlessDecision.of(answer, UtcTime.text(host.currentTimeMillis()));
        if (decision.isLoggedAt(level(call.stdin()))) {
            leave(decision);
        }
        return answer.reply();
    }

    /**
     * The answer is the same whether word of it can be left or not; where it cannot, the runtime's log still has it.
     */
    private void leave(AgentlessDecision decision) {
        try {
            new DecisionLog(host, runDirectory).append(decision);
        } catch (IOException e) {
            return;
        }
    }

    private static String level(byte[] config) {
        try {
            return CallConfig.parse(config).text("plugin_log_level").orElse(DEFAULT_LEVEL);
        } catch (CniException e) {
            return DEFAULT_LEVEL;
        }
    }
}
