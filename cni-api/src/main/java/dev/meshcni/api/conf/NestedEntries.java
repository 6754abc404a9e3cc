// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.api.NetworkConfigList;
import java.util.ArrayList;
import java.util.List;

/**
 * Entries of ours within the configuration of another plugin, which calls them as a runtime does: Multus holds the
 * networks that it delegates to, and copies the default network, with whatever is chained to it, when it starts. They
 * are taken out of lists that have other plugins as well; anything else is for that plugin's owner to edit.
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

    /**
     * Where such entries stand in the file of a list, such as {@code plugins[0].delegates[0].plugins[1]}, in the order
     * of the file.
     */
    public static List<String> places(NetworkConfigList list, InstallSettings settings) {
        List<String> places = new ArrayList<>();
        List<NetworkConfigList.Plugin> plugins = list.plugins();
        for (int i = 0; i < plugins.size(); i++) {
            collect(plugins.get(i).json(), list.single() ? "" : "plugins[" + i + "].", settings.type(), places);
        }
        return List.copyOf(places);
    }

    /** Collects what stands below a node; the node itself does not count. */
    private static void collect(JsonNode node, String path, String type, List<String> places) {
        node.properties().forEach(field -> found(field.getValue(), path + field.getKey(), type, places));
        if (node.isArray()) {
            String list = path.substring(0, path.length() - 1);
            for (int i = 0; i < node.size(); i++) {
                found(node.get(i), list + "[" + i + "]", type, places);
            }
        }
    }

    private static void found(JsonNode node, String place, String type, List<String> places) {
        if (node.path("type").asText("").equals(type)) {
            places.add(place);
        }
        collect(node, place + ".", type, places);
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
