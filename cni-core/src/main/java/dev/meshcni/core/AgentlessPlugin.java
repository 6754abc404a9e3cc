package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.SpecVersion;
import java.util.Map;
import java.util.Optional;

/**
 * What the plugin answers when the agent does not: it fails closed, with the error that tells the runtime to try again,
 * so that no pod starts without redirection.
 *
 * <p>Exempt attachments ({@link Exemption}) pass, so that the node can come up and the agent with it. DEL and GC succeed:
 * what they would undo ends with the network namespace, and a runtime that cannot delete a pod is stuck with it.
 */
public final class AgentlessPlugin {
    private AgentlessPlugin() {}

    /**
     * Answers a request.
     *
     * @param environment the variables of the plugin's process
     * @param stdin the plugin's standard input
     * @param reason why the agent did not answer, for the error's details
     */
    public static AgentProtocol.Reply answer(Map<String, String> environment, byte[] stdin, String reason) {
        try {
            return answer(CniRequest.parse(environment, stdin), reason);
        } catch (CniException e) {
            return PluginReplies.error(PluginReplies.versionOf(stdin), e);
        }
    }

    /** The answer to VERSION, which nobody else is needed for. */
    public static AgentProtocol.Reply version() {
        return PluginReplies.version();
    }

    /** The answer when standard input cannot be taken in. */
    public static AgentProtocol.Reply unreadableInput(String reason) {
        return PluginReplies.error(
                SpecVersion.latest(),
                new CniException(ErrorCode.IO_FAILURE, "the configuration on standard input cannot be read", reason));
    }

    private static AgentProtocol.Reply answer(CniRequest request, String reason) {
        return switch (request.environment().command()) {
            case ADD -> passOrRefuse(request, reason, true);
            case CHECK -> passOrRefuse(request, reason, false);
            case DEL, GC -> PluginReplies.empty();
            case STATUS ->
                PluginReplies.error(
                        request.config().cniVersion(),
                        new CniException(
                                ErrorCode.PLUGIN_NOT_AVAILABLE,
                                "the mesh-cni agent is not ready on this node",
                                reason));
            case VERSION -> PluginReplies.version();
        };
    }

    private static AgentProtocol.Reply passOrRefuse(CniRequest request, String reason, boolean printResult) {
        Optional<String> exemption =
                Exemption.withoutAgent(request.config(), request.environment().args());
        if (exemption.isPresent()) {
            return printResult ? PluginReplies.passThrough(request) : PluginReplies.empty();
        }
        return PluginReplies.error(
                request.config().cniVersion(),
                new CniException(
                        ErrorCode.TRY_AGAIN_LATER,
                        "the mesh-cni agent does not answer, the pod must wait for its redirection",
                        reason + "; the runtime tries again by itself. If this lasts, look at the istio-cni-node pod of"
                                + " this node"));
    }
}
