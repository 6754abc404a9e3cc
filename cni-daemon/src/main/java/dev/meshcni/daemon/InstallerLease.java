package dev.meshcni.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who installs on this node. While a daemon is replaced two of them can run for a moment; the one that started last installs,
 * and the other must not undo it.
 */
final class InstallerLease {
    private static final String HOLDER = "installer";
    private static final String LOCK = "installer.lock";

    /** The kernel's lock is between processes. */
    private static final ReentrantLock THIS_PROCESS = new ReentrantLock();

    private final Path directory;
    private final AtomicFiles files;
    private final String self = UUID.randomUUID().toString();

    /** The time in which nobody else installs on this node; the kernel ends it with the process, if need be. */
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

    /** Waits until nobody else changes this node. */
    Turn takeTurn() throws IOException {
        THIS_PROCESS.lock();
        try {
            FileChannel channel = lock(directory.resolve(LOCK));
            return () -> end(channel);
        } catch (IOException | RuntimeException e) {
            THIS_PROCESS.unlock();
            throw e;
        }
    }

    /** Makes this the process that installs on this node. */
    void claim() throws IOException {
        files.replace(directory.resolve(HOLDER), (self + '\n').getBytes(UTF_8), FileLook.ofMode("rw-------"), () -> {});
    }

    /** Whether no other has claimed the node since; a claim that was wiped away is made again. */
    boolean isHeld() throws IOException {
        try {
            return Files.readString(directory.resolve(HOLDER)).strip().equals(self);
        } catch (NoSuchFileException e) {
            claim();
            return true;
        }
    }

    /**
     * Locks the file that others find. An uninstallation deletes it, and who waited for its lock then has one that excludes
     * nobody. The file must not be opened a second time to find that out: closing it would give the lock up (fcntl(2)).
     */
    private FileChannel lock(Path file) throws IOException {
        while (true) {
            Files.createDirectories(directory);
            Optional<FileIdentity> found = FileIdentity.of(file);
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                channel.lock();
                if (found.isPresent() && FileIdentity.of(file).equals(found)) {
                    return channel;
                }
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            channel.close();
        }
    }

    private static void end(FileChannel channel) throws IOException {
        try {
            channel.close();
        } finally {
            THIS_PROCESS.unlock();
        }
    }
}
