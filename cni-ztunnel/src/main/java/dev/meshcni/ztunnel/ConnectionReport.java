// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Map;

/**
 * A ztunnel that is connected, for status and metrics.
 *
 * @param number counts the connections since the agent started
 * @param age how long it has been connected
 * @param ready whether it has acknowledged a whole snapshot
 * @param serving whether new pods are given to it
 * @param pods how many pods it has said that it serves
 * @param refused the pods that it could not serve, by UID, with its reason; it tries again by itself
 */
public record ConnectionReport(
        long number, Duration age, boolean ready, boolean serving, int pods, Map<String, String> refused) {
    public ConnectionReport {
        requireNonNull(age, "age is null");
        refused = Map.copyOf(refused);
    }
}
