// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.meshcni.files.AtomicFiles;
import dev.meshcni.files.FileIdentity;
import dev.meshcni.files.FileMetadata;
import dev.meshcni.host.linux.RootPath;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who installs on this node. While a daemon is replaced two of them can run for a moment; the one that started last
 * installs, and the other must not undo it.
 */
final class InstallerLease {
    private static final String HOLDER = "installer";
    private static final String LOCK = "installer.lock";

    private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-------");
    private static final FileAttribute<Set<PosixFilePermission>> NEW = PosixFilePermissions.asFileAttribute(MODE);
    private static final Set<OpenOption> OPTIONS =
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

    private static final Duration PAUSE = Duration.ofMillis(20);
    private static final int LONGEST_HOLDER = 100;

    /** The kernel's lock is between processes. */
    private static final ReentrantLock THIS_PROCESS = new ReentrantLock();

    private final Path directory;
    private final AtomicFiles files;
    private final String self = UUID.randomUUID().toString();

    /** The exclusive right to install on this node; the kernel releases it when the process ends. */
    interface Turn extends AutoCloseable {
        @Override
        void close() throws IOException;
    }

    InstallerLease(Path runDirectory, AtomicFiles files) {
        this.directory = requireNonNull(runDirectory, "runDirectory is null");
        this.files = requireNonNull(files, "files is null");
    }

    /** The names of the files that this leaves in the run directory. */
    static List<String> fileNames() {
        return List.of(HOLDER, LOCK);
    }

    /**
     * Waits until no other process changes this node.
     *
     * @param patience how long to wait at most
     * @throws IOException if another process has not finished by then, or users other than root control the run
     *     directory
     */
    Turn takeTurn(Duration patience) throws IOException {
        long end = System.nanoTime() + patience.toNanos();
        awaitThisProcess(patience);
        try {
            FileChannel channel = lock(end, patience);
            return () -> end(channel);
        } catch (IOException | RuntimeException e) {
            THIS_PROCESS.unlock();
            throw e;
        }
    }

    /** Makes this the process that installs on this node. */
    void claim() throws IOException {
        files.replace(directory.resolve(HOLDER), (self + '\n').getBytes(UTF_8), FileMetadata.ofMode("rw-------"));
    }

    /** Returns whether no other has claimed the node since; a claim that was wiped away is made again. */
    boolean isHeld() throws IOException {
        try {
            return holder().equals(self);
        } catch (NoSuchFileException e) {
            claim();
            return true;
        }
    }

    /** Returns whether another has claimed the node, and not nobody. */
    boolean isOfAnother() throws IOException {
        try {
            return !holder().equals(self);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private String holder() throws IOException {
        try (InputStream file = Files.newInputStream(directory.resolve(HOLDER), LinkOption.NOFOLLOW_LINKS)) {
            return new String(file.readNBytes(LONGEST_HOLDER), UTF_8).strip();
        }
    }

    private void awaitThisProcess(Duration patience) throws IOException {
        try {
            if (!THIS_PROCESS.tryLock(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new FileSystemException(
                        directory.resolve(LOCK).toString(),
                        null,
                        "this process has been installing for " + seconds(patience));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FileSystemException(
                    directory.resolve(LOCK).toString(), null, "interrupted while waiting for the lock");
        }
    }

    /**
     * Locks the file that others find. An uninstallation deletes it, and who waited for its lock then has one that
     * excludes nobody. The file must not be opened a second time to find that out: closing it would give the lock up
     * (fcntl(2)).
     */
    private FileChannel lock(long end, Duration patience) throws IOException {
        while (true) {
            Path file = RootPath.makePrivateDirectory(directory).resolve(LOCK);
            Optional<FileIdentity> found = FileIdentity.of(file);
            requireOrdinary(file);
            FileChannel channel = FileChannel.open(file, OPTIONS, NEW);
            try {
                Files.setPosixFilePermissions(file, MODE);
                await(channel, file, end, patience);
                if (found.isPresent() && FileIdentity.of(file).equals(found)) {
                    return channel;
                }
            } catch (NoSuchFileException e) {
                // Deleted since it was opened: the next one is the one that others find.
                channel.close();
                continue;
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            channel.close();
        }
    }

    /** A lock that is held forever is an error, but does not stop the daemon. */
    private static void await(FileChannel channel, Path file, long end, Duration patience) throws IOException {
        FileLock lock = channel.tryLock();
        while (lock == null) {
            if (System.nanoTime() - end >= 0) {
                throw new FileSystemException(
                        file.toString(),
                        null,
                        LockHolder.of(file).map(pid -> "process " + pid).orElse("another process")
                                + " has held this lock for " + seconds(patience)
                                + "; stop it unless it is an installer that is still working");
            }
            LockSupport.parkNanos(PAUSE.toNanos());
            lock = channel.tryLock();
        }
    }

    /** A pipe in its place would be opened for ever. */
    private static void requireOrdinary(Path file) throws IOException {
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileSystemException(file.toString(), null, "not a regular file; remove it");
        }
    }

    private static String seconds(Duration time) {
        return time.toSeconds() + " s";
    }

    private static void end(FileChannel channel) throws IOException {
        try {
            channel.close();
        } finally {
            THIS_PROCESS.unlock();
        }
    }
}
