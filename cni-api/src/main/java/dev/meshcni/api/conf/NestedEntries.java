// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.api.NetworkConfigList;
import java.util.List;

/**
 * Entries of ours within the configuration of another plugin, which calls them as a runtime does: Multus holds the
 * networks that it delegates to, and copies the default network, with whatever is chained to it, when it starts.
 * Nothing edits them: they are that plugin's own.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class NestedEntries {
    private NestedEntries() {}

    /** The types of the plugins of a list that hold such an entry, in the order of the list. */
    public static List<String> holders(NetworkConfigList list, InstallSettings settings) {
        return list.plugins().stream()
                .filter(plugin -> holds(plugin.json(), settings.type()))
                .map(NetworkConfigList.Plugin::type)
                .toList();
    }

    /** Returns whether something below a node is an entry; the node itself does not count. */
    private static boolean holds(JsonNode node, String type) {
        for (JsonNode child : node) {
            if (child.path("type").asText("").equals(type) || holds(child, type)) {
                return true;
            }
        }
        return false;
    }
}
