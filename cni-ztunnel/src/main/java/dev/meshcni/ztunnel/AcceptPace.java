// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import java.time.Duration;

/** How soon the next connection may be accepted, so that one that fails again and again takes no processor. */
final class AcceptPace {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final long[] accepted;
    private int count;

    AcceptPace(int perSecond) {
        this.accepted = new long[perSecond];
    }

    /** One is accepted now. */
    void accepted(long now) {
        accepted[count % accepted.length] = now;
        count++;
    }

    /**
     * How long the next one has to wait: until a second has passed since the one that lies a full second's number back.
     */
    Duration pause(long now) {
        if (count < accepted.length) {
            return Duration.ZERO;
        }
        return Duration.ofNanos(Math.max(0, accepted[count % accepted.length] + SECOND - now));
    }
}
