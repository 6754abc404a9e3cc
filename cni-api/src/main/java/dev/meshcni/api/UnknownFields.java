// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Fields that are not known here and survive a round trip. */
final class UnknownFields {
    private UnknownFields() {}

    static Map<String, JsonNode> copy(Map<String, JsonNode> others) {
        return Collections.unmodifiableMap(new LinkedHashMap<>(others));
    }

    /** Adds them to what is known, which they never replace. */
    static ObjectNode add(ObjectNode json, Map<String, JsonNode> others) {
        others.forEach((name, value) -> {
            if (!json.has(name)) {
                json.set(name, value.deepCopy());
            }
        });
        return json;
    }
}
