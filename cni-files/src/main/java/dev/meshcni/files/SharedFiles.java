// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import static java.util.Objects.requireNonNull;

import dev.meshcni.host.linux.FileWriters;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lossless changes of files that other processes write at the same time, by a rename or in place.
 *
 * <p>Looking at a file and then renaming over it leaves a moment in which a newer one is overwritten. Here ours and
 * theirs are exchanged (rename(2), {@code RENAME_EXCHANGE}), and then it is looked at what came out: if it is not what
 * was expected it goes back, and the change has to be made anew for it. Whoever had the file open for writing is waited
 * for.
 *
 * <p>What came out has a name that tells a later process what to do with it, should this one be killed
 * ({@link DisplacedFile}).
 */
public final class SharedFiles {
    private static final Logger LOG = LoggerFactory.getLogger(SharedFiles.class);

    private static final Duration WRITING_TIME = Duration.ofSeconds(2);
    private static final Duration POLL = Duration.ofMillis(2);

    /** Each retry means a rename by another process between two of our system calls. */
    private static final int MOST_EXCHANGES = 1000;

    private final FileSteps steps;
    private final AtomicFiles files;
    private boolean warned;

    public SharedFiles(FileSteps steps) {
        this.steps = requireNonNull(steps, "steps is null");
        this.files = new AtomicFiles(steps);
    }

    /** A version of a file: which one it is, and what it holds, if it is one that holds anything. */
    private record Version(Optional<FileIdentity> identity, ByteBuffer content) {
        static Version of(Path file) throws IOException {
            return new Version(
                    FileIdentity.of(file), ByteBuffer.wrap(isOrdinary(file) ? Files.readAllBytes(file) : new byte[0]));
        }
    }

    /**
     * Puts a file in place of what is expected there.
     *
     * @param before what is there now; empty if nothing is
     * @throws StaleFileException if it is not, or no longer; the file is then as the other process left it
     */
    public void replace(Path file, Optional<byte[]> before, byte[] content, FileMetadata metadata) throws IOException {
        Path fresh = files.fresh(file.getParent());
        try {
            steps.write(fresh, content);
            steps.setMetadata(fresh, metadata);
            steps.sync(fresh);
            if (before.isPresent()) {
                exchange(fresh, file, before.get(), content);
            } else {
                create(fresh, file);
            }
        } catch (IOException e) {
            files.discard(fresh, e);
            throw e;
        }
        steps.sync(file.getParent());
    }

    /**
     * Deletes a file that is what is expected.
     *
     * @throws StaleFileException if it is not; the file is then as the other process left it
     */
    public void delete(Path file, byte[] before) throws IOException {
        if (!holds(file, before)) {
            throw new StaleFileException(file);
        }
        Path displaced = DisplacedFile.path(files.fresh(file.getParent()), file, before, before);
        steps.rename(file, displaced);
        awaitWriters(displaced);
        if (!holds(displaced, before)) {
            restore(displaced, file);
            throw new StaleFileException(file);
        }
        steps.delete(displaced);
        steps.sync(file.getParent());
    }

    /**
     * Removes from a directory what a process that was killed had not finished, and puts back what it had displaced.
     */
    public void sweep(Path directory) throws IOException {
        for (Path leftover : AtomicFiles.leftovers(directory)) {
            Optional<DisplacedFile> displaced = DisplacedFile.of(leftover);
            if (displaced.isPresent() && displaced.get().isOfSomebodyElse()) {
                putBack(displaced.get());
            }
        }
        files.sweep(directory);
    }

    private void create(Path fresh, Path file) throws IOException {
        try {
            steps.renameNew(fresh, file);
        } catch (FileAlreadyExistsException e) {
            throw new StaleFileException(file);
        } catch (AtomicMoveNotSupportedException e) {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new StaleFileException(file);
            }
            steps.rename(fresh, file);
        }
    }

    /** Exchanges, and inspects the displaced file. A file that cannot be inspected stays for a later sweep. */
    private void exchange(Path fresh, Path file, byte[] before, byte[] content) throws IOException {
        if (!holds(file, before)) {
            throw new StaleFileException(file);
        }
        Path displaced = DisplacedFile.path(fresh, file, before, content);
        steps.rename(fresh, displaced);
        Version ours = Version.of(displaced);
        try {
            steps.exchange(displaced, file);
        } catch (NoSuchFileException e) {
            steps.delete(displaced);
            throw new StaleFileException(file);
        } catch (AtomicMoveNotSupportedException e) {
            warnOfPlainFileSystem(file, e);
            replacePlainly(displaced, file, before);
            return;
        }
        awaitWriters(displaced);
        if (!holds(displaced, before)) {
            giveBack(displaced, file, ours);
            throw new StaleFileException(file);
        }
        steps.delete(displaced);
    }

    private void warnOfPlainFileSystem(Path file, AtomicMoveNotSupportedException cause) {
        if (!warned) {
            warned = true;
            LOG.warn(
                    "file system of {} does not support RENAME_EXCHANGE ({}): a concurrent change of the base CNI"
                            + " can be lost until its next write; put the directory on a local file system such as"
                            + " ext4, xfs or tmpfs",
                    file,
                    cause.getReason());
        }
    }

    /** Where the file system cannot exchange, the moment between the look and the rename stays. */
    private void replacePlainly(Path displaced, Path file, byte[] before) throws IOException {
        if (!holds(file, before)) {
            steps.delete(displaced);
            throw new StaleFileException(file);
        }
        steps.rename(displaced, file);
    }

    /**
     * Puts what came out back. What then comes out should be what was put in last; if it is not, somebody has written
     * it since, it is the newest, and goes back as well.
     *
     * @param placed what was put in last
     */
    private void giveBack(Path displaced, Path file, Version placed) throws IOException {
        Version last = placed;
        for (int attempt = 0; attempt < MOST_EXCHANGES; attempt++) {
            Version next = Version.of(displaced);
            try {
                steps.exchange(displaced, file);
            } catch (NoSuchFileException e) {
                // Its owner has deleted it since, so the displaced version is obsolete.
                break;
            }
            awaitWriters(displaced);
            if (Version.of(displaced).equals(last)) {
                break;
            }
            last = next;
        }
        steps.delete(displaced);
        steps.sync(file.getParent());
    }

    private void restore(Path displaced, Path file) throws IOException {
        try {
            steps.renameNew(displaced, file);
        } catch (FileAlreadyExistsException e) {
            // Its owner has written a newer one since.
            steps.delete(displaced);
        } catch (AtomicMoveNotSupportedException e) {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                steps.delete(displaced);
            } else {
                steps.rename(displaced, file);
            }
        }
    }

    /** Of two versions that another process wrote while ours was killed, the newer one wins. */
    private void putBack(DisplacedFile displaced) throws IOException {
        Path file = displaced.target();
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            restore(displaced.path(), file);
        } else if (displaced.isOurs(file) || isNewer(displaced.path(), file)) {
            steps.rename(displaced.path(), file);
        } else {
            return;
        }
        steps.sync(file.getParent());
        LOG.warn("{} restored to its owner's version, written while an installer was killed", file);
    }

    private static boolean isNewer(Path one, Path other) throws IOException {
        return Files.getLastModifiedTime(one).compareTo(Files.getLastModifiedTime(other)) > 0;
    }

    /** Whoever had opened the file before it was displaced may still be writing to it. */
    private static void awaitWriters(Path file) throws IOException {
        long end = System.nanoTime() + WRITING_TIME.toNanos();
        while (isOrdinary(file) && FileWriters.has(file) && System.nanoTime() - end < 0) {
            LockSupport.parkNanos(POLL.toNanos());
        }
    }

    private static boolean holds(Path file, byte[] content) throws IOException {
        try {
            return isOrdinary(file) && Arrays.equals(Files.readAllBytes(file), content);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** Another process may also put a pipe or a link there. */
    private static boolean isOrdinary(Path file) {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
    }
}
