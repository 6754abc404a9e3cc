package dev.meshcni.host.linux;

import java.io.IOException;

/** What has to be known of a file system to tell who decides on a path. All paths are absolute. */
public interface PathView {
    /**
     * What lies at a path; of a symbolic link the link itself (lstat(2)).
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

    /** What lies at a path. */
    Entry entry(String path) throws IOException;

    /** Where a symbolic link points to, as it is written in it (readlink(2)). */
    String target(String link) throws IOException;

    /** The user that this process runs as (geteuid(2)). */
    int user();
}
