package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.core.Answer.Outcome;
import java.util.Optional;

/**
 * What the plugin answers when the agent does not: it fails closed, with the error that tells the runtime to try again,
 * so that no pod starts without redirection.
 *
 * <p>Exempt attachments ({@link Exemption}) pass, so that the node can come up and the agent with it. DEL and GC succeed:
 * what they would undo ends with the network namespace, and a runtime that cannot delete a pod is stuck with it. STATUS
 * succeeds: a node whose network is not ready starts no pod at all, the agent's included.
 */
public final class AgentlessPlugin {
    private AgentlessPlugin() {}

    /**
     * Answers a request.
     *
     * @param call what the plugin was called with
     * @param reason why the agent did not answer, for the error's details
     */
    public static Answer answer(AgentProtocol.Request call, String reason) {
        try {
            return answer(CniRequest.parse(call.environment(), call.stdin()), reason);
        } catch (CniException e) {
            return Answers.refusal(call, e);
        }
    }

    /**
     * The answer to VERSION, which nobody else is needed for.
     *
     * @param asked the {@code cniVersion} of standard input; the newest version answers for one that is not known here, and
     *     for the empty text
     */
    public static AgentProtocol.Reply version(String asked) {
        return PluginReplies.version(SpecVersion.of(asked).orElse(SpecVersion.latest()));
    }

    /** The answer when standard input cannot be taken in. */
    public static AgentProtocol.Reply unreadableInput(String reason) {
        return PluginReplies.error(
                SpecVersion.latest(),
                new CniException(ErrorCode.IO_FAILURE, "the configuration on standard input cannot be read", reason));
    }

    private static Answer answer(CniRequest request, String reason) {
        return switch (request.environment().command()) {
            case ADD -> passOrRefuse(request, reason, Outcome.SKIPPED);
            case CHECK -> passOrRefuse(request, reason, Outcome.OK);
            case DEL, GC ->
                Answers.of(request, PluginReplies.empty(), Outcome.OK, "left to the namespace's end: " + reason);
            case STATUS -> Answers.of(request, PluginReplies.empty(), Outcome.OK, "pods of the mesh wait: " + reason);
            case VERSION ->
                Answers.of(request, PluginReplies.version(request.config().cniVersion()), Outcome.OK, "");
        };
    }

    private static Answer passOrRefuse(CniRequest request, String reason, Outcome passed) {
        Optional<String> exemption =
                Exemption.withoutAgent(request.config(), request.environment().args());
        if (exemption.isPresent()) {
            AgentProtocol.Reply reply = passed == Outcome.SKIPPED ? PassedOn.reply(request) : PluginReplies.empty();
            return Answers.of(request, reply, passed, exemption.get());
        }
        return refusal(
                request,
                new CniException(
                        ErrorCode.TRY_AGAIN_LATER,
                        "the mesh-cni agent does not answer, the pod must wait for its redirection",
                        reason + "; the runtime tries again by itself. If this lasts, look at the istio-cni-node pod of"
                                + " this node"));
    }

    private static Answer refusal(CniRequest request, CniException failure) {
        return Answer.failure(
                request.environment().command().name(),
                Answers.podName(request),
                request.config().cniVersion(),
                failure);
    }
}
