// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/**
 * The limits of a port for its clients. None of it depends on what a peer sends, so that none of it can be used up for
 * the others.
 *
 * @param headTime how long a peer may take until the head of its request is there
 * @param pageTime how long a page may take
 * @param answerTime how long a peer may take until it has taken its answer
 * @param headBytes the size of a request's head
 * @param connections connections at once
 * @param peerConnections of these, those of one peer's address
 * @param unsentBytes answers that wait for their peers, of all connections
 */
record HttpLimits(
        Duration headTime,
        Duration pageTime,
        Duration answerTime,
        int headBytes,
        int connections,
        int peerConnections,
        int unsentBytes) {
    /** Far more than probes and scrapes need; together at most some 10 MiB of memory for a port. */
    static final HttpLimits SHIPPED = new HttpLimits(
            Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofSeconds(10), 8 << 10, 256, 32, 4 << 20);

    HttpLimits {
        requireNonNull(headTime, "headTime is null");
        requireNonNull(pageTime, "pageTime is null");
        requireNonNull(answerTime, "answerTime is null");
    }
}
