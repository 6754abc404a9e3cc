// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import java.util.Objects;

/**
 * One change to a configuration directory. Edits are carried out in the order of their list, each atomically, so that a
 * runtime that reads the directory between two of them finds a network that works.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public sealed interface FileEdit {
    /** The file that changes: a plain name within the directory. */
    String name();

    /**
     * Writes a file, new or over an old one.
     *
     * @param name the file to write
     * @param content its whole content, to be written in UTF-8
     * @param like the file whose mode and owner it gets, which may be itself; if that does not exist it is an ordinary
     *     file of the daemon's
     */
    record Write(String name, String content, String like) implements FileEdit {
        public Write {
            requirePlain(name);
            Objects.requireNonNull(content, "content is null");
            requirePlain(like);
        }
    }

    /**
     * Removes a file.
     *
     * @param name the file to remove
     */
    record Delete(String name) implements FileEdit {
        public Delete {
            requirePlain(name);
        }
    }

    private static void requirePlain(String name) {
        boolean plain = !name.isEmpty()
                && name.indexOf('/') < 0
                && name.indexOf('\0') < 0
                && !name.equals(".")
                && !name.equals("..");
        if (!plain) {
            throw new IllegalArgumentException("\"" + name + "\" is not the name of a file in the directory");
        }
    }
}
