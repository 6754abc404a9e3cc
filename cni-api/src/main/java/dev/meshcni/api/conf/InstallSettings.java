// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import java.util.Objects;

/**
 * The operator's settings for the installation.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param chained whether our plugin joins the base CNI's list, or has a configuration of its own
 * @param confName the file to install into; empty means the one that runtimes use
 * @param entry our plugin's configuration as it is to stand in the file, with its {@code type} and without
 *     {@code cniVersion}
 * @param forced whether a configuration of its own is written also where nothing would call it, or where it would be
 *     the network of pods
 * @since 0.1.0
 */
public record InstallSettings(boolean chained, String confName, ObjectNode entry, boolean forced, String ownedName) {
    public InstallSettings {
        Objects.requireNonNull(confName, "confName is null");
        Objects.requireNonNull(ownedName, "ownedName is null");
        if (!confName.isEmpty() && (confName.indexOf('/') >= 0 || !ConfDir.isConfName(confName))) {
            throw new IllegalArgumentException(
                    "\"" + confName + "\" is not the name of a file that ends in .conf, .conflist or .json");
        }
        if (!ownedName.isEmpty() && (!chained || ownedName.indexOf('/') >= 0 || !ownedName.endsWith(".conflist"))) {
            throw new IllegalArgumentException(
                    "\"" + ownedName + "\" is not the name of a .conflist of a plugin that is chained");
        }
        entry = CniJson.lenientObject(CniJson.compact(entry));
        if (!entry.path("type").isTextual()) {
            throw new IllegalArgumentException("the entry has no type");
        }
    }

    /** Without a copy of the base CNI's list. */
    public InstallSettings(boolean chained, String confName, ObjectNode entry, boolean forced) {
        this(chained, confName, entry, forced, "");
    }

    /** Nothing is forced. */
    public InstallSettings(boolean chained, String confName, ObjectNode entry) {
        this(chained, confName, entry, false);
    }

    /** Chained, into the file that runtimes use. */
    public static InstallSettings chainedInto(ObjectNode entry) {
        return new InstallSettings(true, "", entry);
    }

    /** A copy of our plugin's configuration. */
    @Override
    public ObjectNode entry() {
        return entry.deepCopy();
    }

    /** Our plugin's type, by which it is found in a list. */
    public String type() {
        return entry.get("type").textValue();
    }
}
