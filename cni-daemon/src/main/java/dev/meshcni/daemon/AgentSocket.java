// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.files.FileIdentity;
import dev.meshcni.host.linux.RootPath;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/** The file of the agent's socket in the run directory, by which plugins find the agent; root's alone. */
final class AgentSocket {
    private static final int BACKLOG = 512;

    private final Path directory;
    private final Path path;
    private volatile Optional<FileIdentity> bound = Optional.empty();

    AgentSocket(Path runDirectory) {
        this.directory = requireNonNull(runDirectory, "runDirectory is null");
        this.path = runDirectory.resolve(AgentProtocol.SOCKET_NAME);
    }

    Path path() {
        return path;
    }

    /**
     * Binds under a name of its own and renames, so that there is no moment in which a plugin finds no socket.
     *
     * @throws IOException also if others than root decide on what is found in the run directory
     */
    ServerSocketChannel bind() throws IOException {
        RootPath.makePrivateDirectory(directory);
        Path fresh = path.resolveSibling(AgentProtocol.SOCKET_NAME + "."
                + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt()));
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(fresh), BACKLOG);
            Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
            bound = FileIdentity.of(fresh);
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
            return server;
        } catch (IOException e) {
            server.close();
            throw e;
        }
    }

    /** Returns whether the file is still the one that was bound last: no newer agent has put its own in its place. */
    boolean isOurs() {
        try {
            Optional<FileIdentity> found = FileIdentity.of(path);
            return found.isPresent() && found.equals(bound);
        } catch (IOException e) {
            return false;
        }
    }
}
