// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.telemetry.AgentMetrics;
import java.time.Duration;

/**
 * Counts and times the calls of the plugin.
 *
 * @param handler what answers them
 * @param metrics what counts
 */
record CountedCalls(CallHandler handler, AgentMetrics metrics) implements CallHandler {
    CountedCalls {
        requireNonNull(handler, "handler is null");
        requireNonNull(metrics, "metrics is null");
    }

    @Override
    public Answer handle(AgentProtocol.Request call, Duration budget) {
        metrics.callStarted();
        long start = System.nanoTime();
        try {
            Answer answer = handler.handle(call, budget);
            metrics.answered(answer, Duration.ofNanos(System.nanoTime() - start));
            return answer;
        } finally {
            metrics.callEnded();
        }
    }
}
