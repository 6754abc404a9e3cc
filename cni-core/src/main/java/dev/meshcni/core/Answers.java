package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.core.Answer.Outcome;

/** Answers to calls of the plugin. */
final class Answers {
    private Answers() {}

    /** The answer to a request. */
    static Answer of(CniRequest request, AgentProtocol.Reply reply, Outcome outcome, String reason) {
        return Answer.of(reply, request.environment().command().name(), podName(request), outcome, reason);
    }

    /** The failure of a request that is none. */
    static Answer refusal(AgentProtocol.Request call, CniException failure) {
        String command = call.environment().getOrDefault("CNI_COMMAND", "?");
        return Answer.failure(command, "", versionOf(call.stdin()), failure);
    }

    /** The pod of a request as {@code namespace/name}, as far as the runtime names it. */
    static String podName(CniRequest request) {
        return request.environment().args().qualifiedPodName();
    }

    /** The version that an unusable request names, as far as it can be read; else the newest. */
    private static SpecVersion versionOf(byte[] stdin) {
        try {
            return PluginConfig.parse(stdin).cniVersion();
        } catch (CniException e) {
            return SpecVersion.latest();
        }
    }
}
