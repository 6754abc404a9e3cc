// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** A connection to whoever listens on the agent's socket, with a limit of time for all that is said on it. */
final class AgentConnection implements ReadableByteChannel, WritableByteChannel {
    private static final int ROOT = 0;

    private final Host host;
    private final int socket;
    private final TimeLimit limit;
    private boolean open = true;

    private AgentConnection(Host host, int socket, TimeLimit limit) {
        this.host = host;
        this.socket = socket;
        this.limit = limit;
    }

    /** Connects, and makes sure that root listens, or the user that this process runs as. */
    static AgentConnection open(Host host, String path, TimeLimit limit) throws IOException {
        int socket = Errno.check(host.connect(CString.of(path), limit.remainingMillis()));
        AgentConnection connection = new AgentConnection(host, socket, limit);
        try {
            connection.requireRoot();
            return connection;
        } catch (IOException e) {
            connection.close();
            throw e;
        }
    }

    @Override
    public int read(ByteBuffer into) throws IOException {
        while (true) {
            limit.awaitInput(socket);
            int read = host.read(socket, into.array(), into.arrayOffset() + into.position(), into.remaining());
            if (read == 0) {
                return -1;
            }
            if (!Errno.mayBeTriedAgain(read)) {
                into.position(into.position() + Errno.check(read));
                return read;
            }
        }
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        while (true) {
            limit.awaitOutput(socket);
            int written = host.send(socket, from.array(), from.arrayOffset() + from.position(), from.remaining());
            if (!Errno.mayBeTriedAgain(written)) {
                from.position(from.position() + Errno.check(written));
                return written;
            }
        }
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() {
        if (open) {
            open = false;
            host.close(socket);
        }
    }

    private void requireRoot() throws IOException {
        long peer = host.peer(socket);
        if (peer != ROOT && peer != host.user()) {
            throw new IOException(
                    peer < 0
                            ? "the kernel does not report the peer's credentials"
                            : "the process listening on it runs as user " + peer + ", not as root");
        }
    }
}
