// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import java.io.IOException;

/** The view of a file system needed to decide who controls a path. All paths are absolute. */
public interface PathView {
    /**
     * The entry at a path; for a symbolic link the link itself (lstat(2)).
     *
     * @param uid whose it is
     * @param mode type and permissions, {@code st_mode}
     */
    record Entry(int uid, int mode) {
        private static final int TYPE = 0170000;
        private static final int DIRECTORY = 0040000;
        private static final int LINK = 0120000;

        boolean isDirectory() {
            return (mode & TYPE) == DIRECTORY;
        }

        boolean isLink() {
            return (mode & TYPE) == LINK;
        }

        boolean has(int bits) {
            return (mode & bits) != 0;
        }
    }

    /** Returns the entry at a path. */
    Entry entry(String path) throws IOException;

    /** The target of a symbolic link, as stored in it (readlink(2)). */
    String target(String link) throws IOException;

    /** The user that this process runs as (geteuid(2)). */
    int user();
}
