// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.exec;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The parameters that a runtime passes for one attachment (CNI specification 1.1, section 3, "Attachment Parameters").
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param containerId the container's ID
 * @param netns the path of its network namespace; may be empty for DEL
 * @param ifName the interface to create inside
 * @param args the value of {@code CNI_ARGS}; may be empty
 * @param capabilityArgs parameters by capability; each plugin gets those that it has turned on
 * @since 0.1.0
 */
public record AttachmentParameters(
        String containerId, String netns, String ifName, String args, Map<String, JsonNode> capabilityArgs) {
    public AttachmentParameters {
        Objects.requireNonNull(containerId, "containerId is null");
        Objects.requireNonNull(netns, "netns is null");
        Objects.requireNonNull(ifName, "ifName is null");
        Objects.requireNonNull(args, "args is null");
        capabilityArgs = Collections.unmodifiableMap(new LinkedHashMap<>(capabilityArgs));
    }

    /** An attachment without arguments. */
    public static AttachmentParameters of(String containerId, String netns, String ifName) {
        return new AttachmentParameters(containerId, netns, ifName, "", Map.of());
    }

    /** The same attachment with other {@code CNI_ARGS}. */
    public AttachmentParameters withArgs(String cniArgs) {
        return new AttachmentParameters(containerId, netns, ifName, cniArgs, capabilityArgs);
    }

    /** The same attachment with other parameters for capabilities. */
    public AttachmentParameters withCapabilityArgs(Map<String, JsonNode> parameters) {
        return new AttachmentParameters(containerId, netns, ifName, args, parameters);
    }

    /** The same attachment after its network namespace has gone. */
    public AttachmentParameters withoutNetns() {
        return new AttachmentParameters(containerId, "", ifName, args, capabilityArgs);
    }
}
