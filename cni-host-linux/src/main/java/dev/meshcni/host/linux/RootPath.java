// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Paths of this machine that only root controls, as checked by {@link RootPathCheck}: their contents are root's. */
public final class RootPath {
    private static final RootPathCheck WAY = new RootPathCheck(new DiskView(Path.of("/")));

    private RootPath() {}

    /**
     * Checks a directory and the way to it.
     *
     * @return where it really is, without symbolic links
     * @throws NoSuchFileException if it is not there
     * @throws FileSystemException if a user other than root can change the target of the path, or write into the
     *     directory; the message names the component and the remedy
     */
    public static Path directory(Path path) throws IOException {
        return Path.of(WAY.directory(absolute(path)));
    }

    /**
     * Checks a directory that only root may read, and its parent directories.
     *
     * @return where it really is, without symbolic links
     * @throws NoSuchFileException if it is not there
     * @throws FileSystemException as {@link #directory} does, and if its mode is wider than 0700
     */
    public static Path privateDirectory(Path path) throws IOException {
        return Path.of(WAY.privateDirectory(absolute(path)));
    }

    /**
     * Creates a directory that only root may read, with missing parent directories; one that is there and is merely
     * open to readers, as the kubelet makes it, is closed to them.
     *
     * @return where it really is, without symbolic links
     * @throws FileSystemException as {@link #directory} does, before anything is made or changed there
     */
    public static Path makePrivateDirectory(Path path) throws IOException {
        Path real = make(path.toAbsolutePath(), "rwx------");
        if (WAY.isOpenToOthers(real.toString())) {
            Files.setPosixFilePermissions(real, PosixFilePermissions.fromString("rwx------"));
        }
        return real;
    }

    private static Path make(Path path, String mode) throws IOException {
        try {
            return directory(path);
        } catch (NoSuchFileException e) {
            Path name = path.getFileName();
            if (name == null) {
                throw e;
            }
            Path missing = way(path.getParent()).resolve(name);
            try {
                Files.createDirectory(
                        missing, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode)));
            } catch (FileAlreadyExistsException made) {
                // Another process has made it at the same moment; or it is a link to nowhere, which the next line
                // refuses.
                return directory(path);
            }
            return directory(missing);
        }
    }

    /** Makes what is missing of the way to a directory; what is there of it may be sticky, as below {@code /tmp}. */
    private static Path way(Path path) throws IOException {
        try {
            return Path.of(WAY.resolve(absolute(path)));
        } catch (NoSuchFileException e) {
            return make(path, "rwxr-xr-x");
        }
    }

    private static String absolute(Path path) {
        return requireNonNull(path, "path is null").toAbsolutePath().toString();
    }
}
