package dev.meshcni.cli;

import dev.meshcni.api.CniException;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.AgentlessDecision;
import dev.meshcni.core.AgentlessPlugin;
import dev.meshcni.core.Answer;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;

/** A call that no agent answers: the plugin decides alone, and leaves word of it for the agent. */
final class WithoutAgent {
    private static final String DEFAULT_LEVEL = "info";

    private WithoutAgent() {}

    /**
     * Answers.
     *
     * @param runDirectory the agent's run directory, as the configuration names it
     * @param reason why the agent did not answer
     */
    static AgentProtocol.Reply answer(AgentProtocol.Request call, String runDirectory, String reason) {
        Answer answer = AgentlessPlugin.answer(call, reason);
        AgentlessDecision decision = AgentlessDecision.of(answer, Instant.now().toString());
        if (decision.isLoggedAt(level(call.stdin()))) {
            leave(runDirectory, decision);
        }
        return answer.reply();
    }

    /** The answer is the same whether word of it can be left or not; where it cannot, the runtime's log still has it. */
    private static void leave(String runDirectory, AgentlessDecision decision) {
        try {
            PluginLog.append(Path.of(runDirectory), decision);
        } catch (IOException | InvalidPathException | UnsupportedOperationException e) {
            return;
        }
    }

    private static String level(byte[] config) {
        try {
            return PluginConfig.parse(config).text("plugin_log_level").orElse(DEFAULT_LEVEL);
        } catch (CniException e) {
            return DEFAULT_LEVEL;
        }
    }
}
