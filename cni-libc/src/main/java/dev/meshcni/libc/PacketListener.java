// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.RedirectException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A UNIX socket that waits for connections which keep the bounds of messages ({@code SOCK_SEQPACKET}). Its file is for
 * the user of this process alone. For one thread; another one ends its waits by a {@link Wakeup}.
 */
public final class PacketListener implements AutoCloseable {
    private final int fd;
    private final Path path;
    private boolean closed;

    private PacketListener(int fd, Path path) {
        this.fd = fd;
        this.path = path;
    }

    /**
     * Binds under a name of its own, and renames when connections are possible: whoever connects finds the former
     * listener or this one, and never nothing. The file stays when this is closed, for the next one to replace.
     *
     * @param backlog how many connections may wait to be accepted
     * @throws RedirectException if that cannot be done
     */
    public static PacketListener bind(Path path, int backlog) {
        Path fresh = path.resolveSibling(path.getFileName() + "."
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt()));
        byte[] address = UnixAddress.of(fresh);
        int fd = PacketSocket.open();
        try {
            LibC.check(LibC.bind(fd, address, address.length), "binding a socket to " + fresh);
            try {
                Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
                LibC.check(LibC.listen(fd, backlog), "listening at " + fresh);
                Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(fresh);
            }
            return new PacketListener(fd, path);
        } catch (IOException e) {
            LibC.close(fd);
            throw new RedirectException("making the socket " + path + " failed: " + e, e);
        } catch (RedirectException e) {
            LibC.close(fd);
            throw e;
        }
    }

    /** Its file. */
    public Path path() {
        return path;
    }

    /**
     * Waits for a connection.
     *
     * @param wakeup what ends the wait as well
     * @return the connection; empty if the time is over, or somebody has signalled
     * @throws RedirectException if none can be accepted, for example because this process has too many open files
     */
    public Optional<PacketSocket> accept(Wakeup wakeup, Duration patience) {
        boolean[] ready = Readiness.await(patience, fd, wakeup.fd());
        if (ready[1]) {
            wakeup.clear();
        }
        if (!ready[0]) {
            return Optional.empty();
        }
        int accepted = LibC.accept4(fd, null, null, LibC.O_CLOEXEC | LibC.O_NONBLOCK);
        if (accepted < 0) {
            int errno = LibC.errno();
            if (errno == LibC.EAGAIN || errno == LibC.EINTR) {
                return Optional.empty();
            }
            throw LibC.failure("accepting a connection at " + path, errno);
        }
        return Optional.of(new PacketSocket(accepted));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            LibC.close(fd);
        }
    }
}
