package dev.meshcni.core;

import dev.meshcni.api.CniArgs;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.core.Answer.Outcome;

/** Answers to calls of the plugin, by the agent and without it. */
final class Answers {
    private Answers() {}

    /** What was done for a request. */
    static Answer of(CniRequest request, AgentProtocol.Reply reply, Outcome outcome, String reason) {
        return Answer.of(reply, request.environment().command().name(), podName(request), outcome, reason);
    }

    /** A failure. */
    static Answer refusal(String command, String pod, SpecVersion version, CniException failure) {
        Outcome outcome = failure.code() == ErrorCode.TRY_AGAIN_LATER ? Outcome.RETRY : Outcome.FAILED;
        String reason = failure.details().isEmpty()
                ? failure.getMessage()
                : failure.getMessage() + " (" + failure.details() + ")";
        return Answer.of(PluginReplies.error(version, failure), command, pod, outcome, reason)
                .withCause("error-" + failure.code());
    }

    /** The failure of a request that is none. */
    static Answer refusal(AgentProtocol.Request call, CniException failure) {
        String command = call.environment().getOrDefault("CNI_COMMAND", "?");
        return refusal(command, "", PluginReplies.versionOf(call.stdin()), failure);
    }

    /** The pod of a request as {@code namespace/name}, as far as the runtime names it. */
    static String podName(CniRequest request) {
        CniArgs args = request.environment().args();
        return args.podName()
                .map(name ->
                        args.podNamespace().map(namespace -> namespace + "/").orElse("") + name)
                .orElse("");
    }
}
