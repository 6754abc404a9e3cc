// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import java.io.IOException;
import java.nio.file.Path;

/** The symbolic links in a configuration directory. */
@FunctionalInterface
interface ConfLinks {
    /**
     * The file that a link leads to, by a path that is no link.
     *
     * @throws java.nio.file.NoSuchFileException if there is none
     */
    Path target(Path link) throws IOException;

    /** Whether the file of a name belongs to the directory; a link may lead to one that is not its own. */
    default boolean count(String name) {
        return true;
    }
}
