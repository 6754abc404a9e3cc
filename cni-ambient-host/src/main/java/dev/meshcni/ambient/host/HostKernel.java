// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.NetlinkSocket;
import dev.meshcni.libc.RefusedException;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.NetlinkReply;
import dev.meshcni.netns.linux.NetworkNamespace;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The host's network namespace. A netlink socket stays in the namespace of the thread that opened it, so it is opened
 * inside once and used from outside. For one thread at a time.
 */
final class HostKernel implements AutoCloseable {
    private static final int ENOENT = 2;

    /** {@code EAFNOSUPPORT}: old kernels have no family of tables before its module is loaded. */
    private static final int NO_SUCH_FAMILY = 97;

    private final Path netns;
    private Optional<NetlinkSocket> socket = Optional.empty();
    private boolean closed;

    HostKernel(Path netns) {
        this.netns = requireNonNull(netns, "netns is null");
    }

    /** Speaks to netfilter of the host. */
    <T> T netfilter(Function<NetlinkSocket, T> conversation) {
        if (closed) {
            throw new RedirectException("the exemption of probes has been closed");
        }
        if (socket.isEmpty()) {
            socket = Optional.of(inside(() -> new NetlinkSocket(NetlinkSocket.NETFILTER)));
        }
        try {
            return conversation.apply(socket.get());
        } catch (RefusedException e) {
            throw e;
        } catch (RedirectException e) {
            // What is still to come on this socket would answer something else.
            hangUp();
            throw e;
        }
    }

    /** Runs an action in the namespace, on a thread of its own. */
    <T> T inside(Supplier<T> action) {
        return NetworkNamespace.inside(netns, action);
    }

    /** The answer to a request for one object; empty if there is no such object. */
    static Optional<NetlinkReply> find(NetlinkSocket socket, NetlinkMessage request) {
        try {
            return Optional.of(socket.ask(request));
        } catch (RefusedException e) {
            if (e.errno() == ENOENT || e.errno() == NO_SUCH_FAMILY) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public void close() {
        closed = true;
        hangUp();
    }

    private void hangUp() {
        socket.ifPresent(NetlinkSocket::close);
        socket = Optional.empty();
    }
}
