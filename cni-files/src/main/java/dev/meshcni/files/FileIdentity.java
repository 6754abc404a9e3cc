// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/**
 * Which file it is that a path leads to: device and inode, which a file keeps when it is renamed and another one of the
 * same name has not (inode(7)).
 *
 * @param key both, as Java has them
 */
public record FileIdentity(Object key) {
    public FileIdentity {
        requireNonNull(key, "a file system without inodes");
    }

    /** The identity of the file that is there itself, a symbolic link not followed; empty if there is none. */
    public static Optional<FileIdentity> of(Path file) throws IOException {
        try {
            return Optional.of(
                    new FileIdentity(Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                            .fileKey()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
