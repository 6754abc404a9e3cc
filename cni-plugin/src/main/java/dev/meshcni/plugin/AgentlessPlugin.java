// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.api.CniEnvironment;
import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.core.Answer.Outcome;
import dev.meshcni.core.Exemption;
import dev.meshcni.core.PluginReplies;
import java.util.Optional;

/**
 * The plugin's answers while the agent does not answer: it fails closed, with the error that tells the runtime to try
 * again, so that no pod starts without redirection.
 *
 * <p>Exempt attachments ({@link Exemption}) pass, so that the node can come up and the agent with it. DEL and GC
 * succeed: what they would undo ends with the network namespace, and a runtime that cannot delete a pod is stuck with
 * it. STATUS succeeds: a node whose network is not ready starts no pod at all, the agent's included.
 */
final class AgentlessPlugin {
    private final CniEnvironment environment;
    private final CallConfig config;
    private final String reason;

    private AgentlessPlugin(CniEnvironment environment, CallConfig config, String reason) {
        this.environment = environment;
        this.config = config;
        this.reason = reason;
    }

    /**
     * Answers a request.
     *
     * @param call what the plugin was called with
     * @param reason why the agent did not answer, for the error's details
     */
    static Answer answer(AgentProtocol.Request call, String reason) {
        try {
            CniEnvironment environment = CniEnvironment.parse(call.environment());
            CallConfig config = CallConfig.parse(call.stdin());
            environment.command().requireIn(config.cniVersion());
            return new AgentlessPlugin(environment, config, reason).answer();
        } catch (CniException e) {
            String command = call.environment().getOrDefault("CNI_COMMAND", "?");
            return Answer.failure(command, "", versionOf(call.stdin()), e);
        }
    }

    private Answer answer() {
        try {
            return switch (environment.command()) {
                case ADD -> passOrRefuse(Outcome.SKIPPED);
                case CHECK -> passOrRefuse(Outcome.OK);
                case DEL, GC ->
                    passed(
                            PluginReplies.empty(),
                            Outcome.OK,
                            "rules are removed with the network namespace: " + reason);
                case STATUS -> passed(PluginReplies.empty(), Outcome.OK, "pods of the mesh cannot start: " + reason);
                case VERSION -> passed(PluginReplies.version(config.cniVersion()), Outcome.OK, "");
            };
        } catch (CniException e) {
            return failure(e);
        }
    }

    private Answer passOrRefuse(Outcome passed) {
        Optional<String> exemption = Exemption.withoutAgent(config, environment.args());
        if (exemption.isPresent()) {
            AgentProtocol.Reply reply =
                    passed == Outcome.SKIPPED ? new AgentProtocol.Reply(0, config.passedOn()) : PluginReplies.empty();
            return passed(reply, passed, exemption.get());
        }
        return failure(new CniException(
                ErrorCode.TRY_AGAIN_LATER,
                "the mesh-cni agent does not answer, the pod cannot start without redirection",
                reason + "; the runtime retries automatically. If this persists, check the istio-cni-node pod on"
                        + " this node"));
    }

    private Answer passed(AgentProtocol.Reply reply, Outcome outcome, String why) {
        return Answer.of(reply, environment.command().name(), environment.args().qualifiedPodName(), outcome, why);
    }

    private Answer failure(CniException failure) {
        return Answer.failure(
                environment.command().name(), environment.args().qualifiedPodName(), config.cniVersion(), failure);
    }

    /** The version that an unusable call names, as far as it can be read; else the newest. */
    private static SpecVersion versionOf(byte[] stdin) {
        try {
            return CallConfig.parse(stdin).cniVersion();
        } catch (CniException e) {
            return SpecVersion.latest();
        }
    }
}
