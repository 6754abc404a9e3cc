// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import dev.meshcni.host.linux.AtomicRename;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/** The steps on the machine's own file systems. */
public final class DiskSteps implements FileSteps {
    private static final Set<PosixFilePermission> DIRECTORY = PosixFilePermissions.fromString("rwxr-xr-x");
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    /** Steps on the file systems of this machine. */
    public DiskSteps() {}

    @Override
    public void makeDirectory(Path directory) throws IOException {
        Files.createDirectory(directory);
        Files.setPosixFilePermissions(directory, DIRECTORY);
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        Files.createFile(file, PRIVATE);
        Files.write(file, content, StandardOpenOption.WRITE);
    }

    /** The owner is root and only root may write, whatever the source has, because root runs the copied files. */
    @Override
    public void copy(Path from, Path to) throws IOException {
        Files.copy(from, to);
        Set<PosixFilePermission> mode = EnumSet.copyOf(Files.getPosixFilePermissions(from));
        mode.remove(PosixFilePermission.GROUP_WRITE);
        mode.remove(PosixFilePermission.OTHERS_WRITE);
        Files.setPosixFilePermissions(to, mode);
        sync(to);
        Files.setLastModifiedTime(to, Files.getLastModifiedTime(from));
    }

    @Override
    public void link(Path link, Path target) throws IOException {
        Files.createSymbolicLink(link, target);
    }

    @Override
    public void setMetadata(Path file, FileMetadata metadata) throws IOException {
        metadata.applyTo(file);
    }

    @Override
    public void sync(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void exchange(Path one, Path other) throws IOException {
        AtomicRename.exchange(one, other);
    }

    @Override
    public void renameNew(Path from, Path to) throws IOException {
        AtomicRename.withoutReplacing(from, to);
    }

    @Override
    public void deleteTree(Path directory) throws IOException {
        try (DirectoryStream<Path> parent = Files.newDirectoryStream(directory.getParent())) {
            deleteTree(descriptor(parent), directory.getFileName());
        } catch (NoSuchFileException e) {
            return;
        }
    }

    @Override
    public void delete(Path path) throws IOException {
        Files.deleteIfExists(path);
    }

    /**
     * By descriptors (openat(2)): whoever puts a link in place of a directory that we are about to enter finds it not
     * entered.
     */
    private static void deleteTree(SecureDirectoryStream<Path> parent, Path name) throws IOException {
        try (SecureDirectoryStream<Path> directory = parent.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS)) {
            for (Path entry : directory) {
                Path child = entry.getFileName();
                if (isDirectory(directory, child)) {
                    deleteTree(directory, child);
                } else {
                    directory.deleteFile(child);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        parent.deleteDirectory(name);
    }

    private static boolean isDirectory(SecureDirectoryStream<Path> parent, Path name) throws IOException {
        return parent.getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .readAttributes()
                .isDirectory();
    }

    private static SecureDirectoryStream<Path> descriptor(DirectoryStream<Path> stream) {
        if (stream instanceof SecureDirectoryStream<Path> secure) {
            return secure;
        }
        throw new IllegalStateException("every JDK on Linux has secure directory streams");
    }
}
