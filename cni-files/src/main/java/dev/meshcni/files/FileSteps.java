// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import java.io.IOException;
import java.nio.file.Path;

/**
 * The changes that an installer makes to a file system. Each may be the last one of a process that is killed, so what
 * is visible must be right after every single one.
 */
public interface FileSteps {
    /** Makes a directory, open to all for reading. */
    void makeDirectory(Path directory) throws IOException;

    /** Writes a file that must not exist yet, readable by its owner only. */
    void write(Path file, byte[] content) throws IOException;

    /** Copies a regular file with its permission bits and its time of change, to one that must not exist yet. */
    void copy(Path from, Path to) throws IOException;

    /** Makes a symbolic link. */
    void link(Path link, Path target) throws IOException;

    /** Gives a file its mode and owner. */
    void setMetadata(Path file, FileMetadata metadata) throws IOException;

    /** Makes what was done to a file, or to the names in a directory, survive a loss of power. */
    void sync(Path path) throws IOException;

    /** Renames within one file system, over what has the new name. */
    void rename(Path from, Path to) throws IOException;

    /**
     * Exchanges two files of one file system.
     *
     * @throws java.nio.file.NoSuchFileException if one is not there
     * @throws java.nio.file.AtomicMoveNotSupportedException if the file system cannot; nothing has happened
     */
    void exchange(Path one, Path other) throws IOException;

    /**
     * Renames within one file system to a name that must not be there.
     *
     * @throws java.nio.file.FileAlreadyExistsException if it is
     * @throws java.nio.file.AtomicMoveNotSupportedException if the file system cannot; nothing has happened
     */
    void renameNew(Path from, Path to) throws IOException;

    /** Deletes a directory with all in it, if it is there; no link in it, or in its place, is followed. */
    void deleteTree(Path directory) throws IOException;

    /** Deletes a file, a link or an empty directory, if it is there. */
    void delete(Path path) throws IOException;
}
