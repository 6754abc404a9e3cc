// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import java.time.Duration;

/** Answers calls of the plugin. */
@FunctionalInterface
public interface CallHandler {
    /**
     * Answers a call.
     *
     * @param call what the plugin was called with
     * @param budget how long it may take in all
     */
    Answer handle(AgentProtocol.Request call, Duration budget);
}
