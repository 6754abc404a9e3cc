// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;

/**
 * The network namespace of a running pod, by one of the pod's processes.
 *
 * @param path its path on the host, {@code /proc/PID/ns/net}
 * @param pid the process, as the host numbers it
 * @param startTime when the process started, in clock ticks since boot: with the number it names one process for good
 */
public record PodNetns(Path path, long pid, long startTime) {
    public PodNetns {
        requireNonNull(path, "path is null");
    }
}
