// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/**
 * How much time and how many connections ztunnel is given.
 *
 * @param hello the time from the connection to its first message
 * @param acknowledgement the time from a request to its answer; a connection that takes longer is closed
 * @param reconnection how long somebody who needs a ztunnel waits for one to connect
 * @param connections how many there may be at a time; during an upgrade there are two
 * @param acceptsPerSecond how many new ones are accepted in a second, on average
 */
public record ZdsLimits(
        Duration hello, Duration acknowledgement, Duration reconnection, int connections, int acceptsPerSecond) {
    /** The same times as Istio's agent has. */
    public static final ZdsLimits DEFAULT =
            new ZdsLimits(Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofSeconds(1), 4, 5);

    public ZdsLimits {
        requireNonNull(hello, "hello is null");
        requireNonNull(acknowledgement, "acknowledgement is null");
        requireNonNull(reconnection, "reconnection is null");
        if (connections < 1 || acceptsPerSecond < 1) {
            throw new IllegalArgumentException("connections is " + connections + " and acceptsPerSecond "
                    + acceptsPerSecond + "; both are 1 or more");
        }
    }
}
