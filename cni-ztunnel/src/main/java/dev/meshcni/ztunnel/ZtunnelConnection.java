// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.Packet;
import dev.meshcni.libc.PacketSocket;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.libc.Wakeup;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A ztunnel that has connected: a thread that says what is to be said and waits for the answer, one after the other,
 * and otherwise waits for the end. It alone uses the socket, and closes it.
 */
final class ZtunnelConnection {
    private static final System.Logger LOG = System.getLogger(ZtunnelConnection.class.getName());
    private static final Duration IDLE = Duration.ofHours(1);

    /** Whoever talks to it, under a lock that is its own. */
    interface Peers {
        /** Its first message has come. */
        void greeted(ZtunnelConnection connection, byte[] message);

        /** What to say now, and the file that goes with it, to be closed; empty to wait for a change. */
        Optional<Turn> next(ZtunnelConnection connection);

        void answered(ZtunnelConnection connection, byte[] message);

        /** It is over, and its thread ends. */
        void ended(ZtunnelConnection connection, String reason);
    }

    /**
     * A request and the namespace that goes with it.
     *
     * @param namespace closed by whoever sends it
     */
    record Turn(ZdsRequest request, Optional<SharedDescriptor> namespace) {
        Turn {
            requireNonNull(request, "request is null");
            requireNonNull(namespace, "namespace is null");
        }
    }

    private final long number;
    private final PacketSocket socket;
    private final ZdsLimits limits;
    private final Peers peers;
    private final Conversation conversation = new Conversation();
    private final Wakeup wakeup = new Wakeup();
    private final long since = System.nanoTime();
    private final Thread thread;
    private volatile Optional<String> stopped = Optional.empty();

    ZtunnelConnection(long number, PacketSocket socket, ZdsLimits limits, Peers peers) {
        this.number = number;
        this.socket = requireNonNull(socket, "socket is null");
        this.limits = requireNonNull(limits, "limits is null");
        this.peers = requireNonNull(peers, "peers is null");
        this.thread = Thread.ofPlatform()
                .name("ztunnel-" + number)
                .daemon()
                .inheritInheritableThreadLocals(false)
                .unstarted(this::run);
    }

    /**
     * Begins to talk. From then on the socket is this object's, to be closed here.
     *
     * @throws RedirectException if no thread can be started
     */
    void start() {
        try {
            thread.start();
        } catch (OutOfMemoryError e) {
            wakeup.close();
            throw new RedirectException("no thread can be started for a connection of ztunnel", e);
        }
    }

    long number() {
        return number;
    }

    /** Guarded by the lock of the peers. */
    Conversation conversation() {
        return conversation;
    }

    Duration age() {
        return Duration.ofNanos(System.nanoTime() - since);
    }

    /** There may be something to say. */
    void wake() {
        wakeup.signal();
    }

    /** Ends it soon. */
    void stop(String reason) {
        stopped = Optional.of(reason);
        wakeup.signal();
    }

    /** Waits until its thread has ended. */
    void join() {
        Threads.join(thread);
    }

    private void run() {
        String reason = "stopped";
        try {
            talk();
        } catch (ZdsException | RedirectException e) {
            reason = e.getMessage();
        } catch (RuntimeException e) {
            reason = e.toString();
            LOG.log(System.Logger.Level.ERROR, "unexpected error in the connection of ztunnel " + number, e);
        } finally {
            socket.close();
            wakeup.close();
            peers.ended(this, reason);
        }
    }

    private void talk() {
        peers.greeted(this, await(limits.hello(), "hello"));
        while (true) {
            // Before each wait: a wait that ends by a packet forgets the signals that came meanwhile.
            endIfStopped();
            Optional<Turn> turn = peers.next(this);
            if (turn.isPresent()) {
                peers.answered(this, exchange(turn.get()));
            } else if (socket.await(wakeup, IDLE)) {
                refuseUnasked();
            }
        }
    }

    private byte[] exchange(Turn turn) {
        try {
            // What has come before the request cannot be its answer.
            refuseUnasked();
            socket.send(
                    ZdsCodec.encode(turn.request()),
                    turn.namespace().map(List::of).orElse(List.of()));
        } finally {
            turn.namespace().ifPresent(SharedDescriptor::close);
        }
        return await(limits.acknowledgement(), "answer to the " + turn.request());
    }

    private void endIfStopped() {
        stopped.ifPresent(reason -> {
            throw new ZdsException(reason);
        });
    }

    private void refuseUnasked() {
        socket.receive(0).ifPresent(packet -> {
            throw packet.isEnd() ? closed() : Conversation.unasked(packet.bytes());
        });
    }

    private byte[] await(Duration limit, String what) {
        Deadline end = Deadline.after(limit);
        while (true) {
            boolean last = end.remaining().isZero();
            if (socket.await(wakeup, end.remaining())) {
                Optional<Packet> packet = socket.receive(0);
                if (packet.isPresent()) {
                    return content(packet.get());
                }
            }
            endIfStopped();
            if (last) {
                throw new ZdsException("ztunnel has sent no " + what + " within " + limit.toMillis() + " ms");
            }
        }
    }

    private static byte[] content(Packet packet) {
        if (packet.isEnd()) {
            throw closed();
        }
        if (!packet.whole()) {
            throw new ZdsException("ztunnel has sent a message longer than " + PacketSocket.MAX_PACKET
                    + " bytes, or with descriptors");
        }
        return packet.bytes();
    }

    private static ZdsException closed() {
        return new ZdsException("ztunnel has closed the connection");
    }
}
