// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.api.SpecVersion;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/**
 * The answer to one call of the plugin, with what a log line and a metric say about it.
 *
 * @param reply what the plugin prints and exits with
 * @param command the CNI command as it was given; {@code "?"} when there was none that could be read
 * @param pod {@code namespace/name}; empty when the call was not for a pod
 * @param outcome what became of it
 * @param reason the reason as text; for a failure the error's message
 * @param cause why, as a short name of which there are few, for metrics: why a pod was skipped, or {@code error-} and
 *     the code of the CNI error; empty otherwise
 * @param effect what was done to the pod's network
 */
public record Answer(
        AgentProtocol.Reply reply,
        String command,
        String pod,
        Outcome outcome,
        String reason,
        String cause,
        Effect effect) {
    /**
     * The effect of an ADD.
     *
     * @param rules the number of rules that it made sure of
     * @param uncovered the number of IPv6 addresses that stay without redirection
     */
    public record Effect(int rules, int uncovered) {
        /** Nothing. */
        public static final Effect NONE = new Effect(0, 0);
    }

    /** The outcome of a call. */
    public enum Outcome {
        /** The pod's traffic is redirected, and that was verified. */
        REDIRECTED("redirected"),
        /** The pod is none of ours, its network was left as it was. */
        SKIPPED("skipped"),
        /** Success of CHECK, STATUS, DEL, GC or VERSION. */
        OK("ok"),
        /** Rejected for now; the runtime should retry. */
        RETRY("retry"),
        /** Refused. */
        FAILED("failed");

        private final String label;

        Outcome(String label) {
            this.label = label;
        }

        /** The outcome that a word stands for. */
        static Optional<Outcome> ofLabel(String label) {
            return Arrays.stream(values())
                    .filter(outcome -> outcome.label.equals(label))
                    .findFirst();
        }

        /** The word used in logs and as the value of metric labels. */
        public String label() {
            return label;
        }
    }

    public Answer {
        Objects.requireNonNull(reply, "reply is null");
        Objects.requireNonNull(command, "command is null");
        Objects.requireNonNull(pod, "pod is null");
        Objects.requireNonNull(outcome, "outcome is null");
        Objects.requireNonNull(reason, "reason is null");
        Objects.requireNonNull(cause, "cause is null");
        Objects.requireNonNull(effect, "effect is null");
    }

    /** An answer that did nothing, and for which the outcome says all that a metric needs. */
    public static Answer of(AgentProtocol.Reply reply, String command, String pod, Outcome outcome, String reason) {
        return new Answer(reply, command, pod, outcome, reason, "", Effect.NONE);
    }

    /** The outcome of a request. */
    static Answer of(CniRequest request, AgentProtocol.Reply reply, Outcome outcome, String reason) {
        return of(
                reply,
                request.environment().command().name(),
                request.environment().args().qualifiedPodName(),
                outcome,
                reason);
    }

    /** The answer to a call that is no request. */
    static Answer refusal(AgentProtocol.Request call, CniException failure) {
        return failure(call.environment().getOrDefault("CNI_COMMAND", "?"), "", versionOf(call.stdin()), failure);
    }

    /** The answer to a request that failed. */
    static Answer failure(CniRequest request, CniException failure) {
        return failure(
                request.environment().command().name(),
                request.environment().args().qualifiedPodName(),
                request.config().cniVersion(),
                failure);
    }

    /** The answer to a call that failed. */
    public static Answer failure(String command, String pod, SpecVersion version, CniException failure) {
        Outcome outcome = failure.code() == ErrorCode.TRY_AGAIN_LATER ? Outcome.RETRY : Outcome.FAILED;
        String reason = failure.details().isEmpty()
                ? failure.getMessage()
                : failure.getMessage() + " (" + failure.details() + ")";
        return of(PluginReplies.error(version, failure), command, pod, outcome, reason)
                .withCause("error-" + failure.code());
    }

    Answer withCause(String name) {
        return new Answer(reply, command, pod, outcome, reason, name, effect);
    }

    Answer withEffect(Effect done) {
        return new Answer(reply, command, pod, outcome, reason, cause, done);
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
