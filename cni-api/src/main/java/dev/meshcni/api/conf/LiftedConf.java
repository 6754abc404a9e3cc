// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.ChainText;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.NetworkConfigList;
import java.util.Optional;

/**
 * A single plugin's configuration that was lifted into a list, so that ours could be chained behind it. The list holds
 * the original byte for byte as its first plugin and its file's name in a field of its own, so nothing else has to be
 * kept to take it back: no second file that could be lost or grow stale.
 */
final class LiftedConf {
    /** The field of a list that names the file it was made from. */
    private static final String ORIGINAL = "meshcni.dev/original";

    private LiftedConf() {}

    /** A list of the plugin in a file and ours behind it. */
    static String lift(ConfFile.Valid file, ObjectNode entry) {
        return list(file, head(file).put(ORIGINAL, file.name()), entry);
    }

    /** The same list, in a file beside the original. */
    static String copy(ConfFile.Valid file, ObjectNode entry) {
        return list(file, head(file), entry);
    }

    private static ObjectNode head(ConfFile.Valid file) {
        ObjectNode head = CniJson.newObject();
        Optional.ofNullable(file.list().json().get("cniVersion"))
                .filter(JsonNode::isTextual)
                .ifPresent(version -> head.set("cniVersion", version));
        return head.put("name", file.list().name());
    }

    private static String list(ConfFile.Valid file, ObjectNode head, ObjectNode entry) {
        String fields = CniJson.pretty(head).replaceFirst("\n}$", "");
        String plugin = CniJson.pretty(entry, "  ", "\n    ");
        return fields + ",\n  \"plugins\": [\n" + file.list().text() + ",\n    " + plugin + "\n  ]\n}\n";
    }

    /** The name of the file that a list was made from, if it was. */
    static Optional<String> originalName(NetworkConfigList list) {
        JsonNode name = list.json().path(ORIGINAL);
        return Optional.ofNullable(name.textValue())
                .filter(text -> text.endsWith(".conf") || text.endsWith(".json"))
                .filter(text -> text.indexOf('/') < 0 && text.indexOf('\0') < 0);
    }

    /** The content of the file that a list was made from, given the text of the list. */
    static String originalText(String list) {
        return new ChainText(list).firstWithBlanks();
    }
}
