// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.ChainText;
import dev.meshcni.api.NetworkConfigList;
import java.util.List;
import java.util.Optional;

/**
 * A copy of the base CNI's list with our plugin at its end, in a file of our own that sorts before the base CNI's: what
 * the base CNI writes into its own file does not remove our plugin, not even while no daemon runs.
 *
 * <p>Our entry in a copy names the file that it is a copy of, so that a copy is found whatever its name is.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class OwnedConf {
    /** The field of our entry that names the file whose copy the list is. */
    public static final String SOURCE = "copy_of";

    private OwnedConf() {}

    /** The name of the file that a file is a copy of; empty if it is none of our copies. */
    public static Optional<String> source(ConfFile.Valid file, InstallSettings settings) {
        return file.list().plugins().stream()
                .filter(plugin -> plugin.type().equals(settings.type()))
                .map(plugin -> plugin.json().path(SOURCE).asText(""))
                .filter(source -> !source.isEmpty() && !source.equals(file.name()))
                .findFirst();
    }

    /**
     * The copy of a file, which keeps all that is in it.
     *
     * @param source the base CNI's file, without our plugin
     * @param entry our entry
     */
    public static String text(ConfFile.Valid source, ObjectNode entry) {
        ObjectNode marked = entry.deepCopy().put(SOURCE, source.name());
        return source.list().single()
                ? LiftedConf.copy(source, marked)
                : new ChainText(source.list().text()).append(marked);
    }

    /** Returns whether a copy has all that the file has now, and nothing else but our plugin. */
    public static boolean isCurrent(ConfFile.Valid copy, ConfFile.Valid source, InstallSettings settings) {
        List<Integer> own = ChainedConf.ownPositions(source.list(), settings);
        if (own.size() == source.list().plugins().size()) {
            return false;
        }
        ConfFile foreign =
                own.isEmpty() ? source : ConfDir.parse(source.name(), ChainedConf.without(source.list(), own));
        ObjectNode entry = copy.list().plugins().getLast().json();
        return foreign instanceof ConfFile.Valid valid
                && text(valid, entry).equals(copy.list().text());
    }

    /** The types of the plugins of a list that are not ours. */
    public static List<String> foreignTypes(NetworkConfigList list, InstallSettings settings) {
        return list.plugins().stream()
                .map(NetworkConfigList.Plugin::type)
                .filter(type -> !type.equals(settings.type()))
                .toList();
    }

    /** Returns whether runtimes come to a file before they come to another. */
    public static boolean sortsBefore(String name, String other) {
        return ConfDirSnapshot.BY_BYTES.compare(name, other) < 0;
    }
}
