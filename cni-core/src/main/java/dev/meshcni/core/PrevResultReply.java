// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.api.SpecVersion;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The output of ADD: the result of the previous plugins, unchanged, in the requested version (CNI specification 1.1,
 * section 5).
 */
final class PrevResultReply {
    private static final String CNI_VERSION = "cniVersion";

    private PrevResultReply() {}

    static AgentProtocol.Reply reply(CniRequest request) {
        return new AgentProtocol.Reply(0, previous(request.config()).toString().getBytes(StandardCharsets.UTF_8));
    }

    /** The result is converted only where its version is another one; without any, there is nothing to report. */
    private static ObjectNode previous(PluginConfig config) {
        SpecVersion version = config.cniVersion();
        Optional<ObjectNode> previous = config.object("prevResult");
        boolean otherVersion = previous.map(result -> result.path(CNI_VERSION).asText(version.text()))
                .filter(text -> !text.equals(version.text()))
                .isPresent();
        if (otherVersion) {
            return config.prevResult().orElseThrow().toJson(version);
        }
        ObjectNode result = JsonNodeFactory.instance.objectNode().put(CNI_VERSION, version.text());
        previous.ifPresent(result::setAll);
        // In its own place, also where the previous result says null.
        result.put(CNI_VERSION, version.text());
        return result;
    }
}
