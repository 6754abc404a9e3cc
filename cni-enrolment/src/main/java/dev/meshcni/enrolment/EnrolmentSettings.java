// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.EnrolmentPolicy;
import dev.meshcni.redirect.AmbientOptions;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How pods of the node join the mesh.
 *
 * @param policy which ones should
 * @param node what the node decides about their rules
 * @param socket where ztunnel connects
 * @param interval the time between two inspections of all pods; zero for none
 */
public record EnrolmentSettings(EnrolmentPolicy policy, AmbientOptions.Node node, Path socket, Duration interval) {
    public EnrolmentSettings {
        requireNonNull(policy, "policy is null");
        requireNonNull(node, "node is null");
        requireNonNull(socket, "socket is null");
        requireNonNull(interval, "interval is null");
    }
}
