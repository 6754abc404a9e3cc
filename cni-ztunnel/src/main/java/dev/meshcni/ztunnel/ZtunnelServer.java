// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.PacketListener;
import dev.meshcni.libc.PacketSocket;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.libc.Wakeup;
import dev.meshcni.ztunnel.ZtunnelException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * The socket at which the node's ztunnels learn of pods (ZDS).
 *
 * <p>Callers say which pods are wanted. What each ztunnel has acknowledged is known for its connection; the difference
 * is sent. So a ztunnel that connects hears all pods, one that remains when the newest has gone hears what it has
 * missed, and nothing queues up.
 *
 * <p>New pods are given to the <em>serving</em> ztunnel: the newest that has acknowledged a snapshot, else the newest
 * that is in one. What has ended is told to all of them. There is a thread for each connection, of which there are a
 * few ({@link ZdsLimits}), and one that accepts them. For any thread.
 */
public final class ZtunnelServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ZtunnelServer.class.getName());
    private static final int BACKLOG = 8;
    private static final Duration IDLE = Duration.ofHours(1);
    private static final Duration AFTER_A_FAILURE = Duration.ofMillis(200);
    private static final String STOPPING = "the agent is stopping";

    private final PacketListener listener;
    private final ZdsLimits limits;
    private final Thread acceptor;
    private final Wakeup wakeup = new Wakeup();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by the lock.
    private final Wishes wishes = new Wishes();
    private final Connections connections;
    private long accepted;
    private boolean closed;
    private volatile Runnable whenReady = () -> {};

    private ZtunnelServer(PacketListener listener, ZdsLimits limits) {
        this.listener = listener;
        this.limits = limits;
        this.connections = new Connections(listener.path());
        this.acceptor = Thread.ofPlatform()
                .name("ztunnel-accept")
                .daemon()
                .inheritInheritableThreadLocals(false)
                .unstarted(this::accept);
    }

    /**
     * Makes the socket, in place of one that is there. No ztunnel is listened to before {@link #start}.
     *
     * @throws RedirectException if it cannot be made
     */
    public static ZtunnelServer bind(Path socket, ZdsLimits limits) {
        return new ZtunnelServer(
                PacketListener.bind(requireNonNull(socket, "socket is null"), BACKLOG),
                requireNonNull(limits, "limits is null"));
    }

    /** The file of the socket. */
    public Path path() {
        return listener.path();
    }

    /**
     * Begins to accept connections. From now on each snapshot holds the pods that are wanted, and a ztunnel drops all
     * others: so whoever calls this knows all pods of the node.
     */
    public void start() {
        locked(() -> {
            if (!closed && acceptor.getState() == Thread.State.NEW) {
                connections.start();
                acceptor.start();
            }
        });
    }

    /** Has an action done whenever a ztunnel has acknowledged a whole snapshot; it must not take long. */
    public void whenReady(Runnable action) {
        whenReady = requireNonNull(action, "action is null");
    }

    /**
     * Wants a pod to be kept that is served perhaps, and whose namespace is not known yet. It counts as not served.
     *
     * @throws ZtunnelException if its UID is too long
     */
    public void expect(String uid, WorkloadInfo info) {
        requireEncodable(uid, info);
        locked(() -> {
            if (!closed && wishes.of(uid).isEmpty()) {
                wishes.put(uid, info, Optional.empty());
                connections.wake();
            }
        });
    }

    /**
     * Wants a pod to be served in a namespace, and waits for nothing.
     *
     * @param namespace shared; the caller closes its own
     * @throws ZtunnelException if its names are too long
     */
    public void want(String uid, WorkloadInfo info, SharedDescriptor namespace) {
        requireEncodable(uid, info);
        locked(() -> {
            if (!closed) {
                wishes.put(uid, info, Optional.of(namespace.share()));
                connections.wake();
            }
        });
    }

    /**
     * Wants a pod to be served in a namespace, and waits until the serving ztunnel has acknowledged just that. On a
     * failure it is still wanted: see {@link #forget}.
     *
     * @param namespace shared; the caller closes its own
     * @throws ZtunnelException if it is refused, or nobody answers in time
     */
    public void serve(String uid, WorkloadInfo info, SharedDescriptor namespace, Deadline deadline) {
        requireEncodable(uid, info);
        locked(() -> {
            if (closed) {
                throw new ZtunnelException(Reason.OVERTAKEN, STOPPING);
            }
            Wish wish = wishes.put(uid, info, Optional.of(namespace.share()));
            wishes.hurry(uid);
            connections.wake();
            try {
                awaitServed(wish, deadline);
            } finally {
                if (wishes.holds(wish)) {
                    wishes.calm(uid);
                }
            }
        });
    }

    /** Wants a pod no longer. All ztunnels that may know it hear so; this waits for nothing. */
    public void forget(String uid) {
        locked(() -> {
            wishes.remove(uid);
            connections.wake();
            changed.signalAll();
        });
    }

    /**
     * Waits until no ztunnel that is connected knows a pod that was forgotten.
     *
     * @return whether that is so
     */
    public boolean awaitForgotten(String uid, Deadline deadline) {
        return locked(() -> {
            while (connections.mayKnow(uid)) {
                if (wishes.of(uid).isPresent() || !await(deadline)) {
                    return false;
                }
            }
            return true;
        });
    }

    /** Returns whether a ztunnel that is connected may know a pod. */
    public boolean isKnown(String uid) {
        return locked(() -> connections.mayKnow(uid));
    }

    /** Returns whether a pod is wanted, served or not. */
    public boolean isWanted(String uid) {
        return locked(() -> wishes.of(uid).isPresent());
    }

    /** Returns whether the serving ztunnel has acknowledged that it serves a pod in this namespace. */
    public boolean isServed(String uid, FileKey namespace) {
        return locked(() -> connections
                .serving()
                .filter(connection -> connection.conversation().serves(uid, namespace))
                .isPresent());
    }

    /** The connections, the oldest first. */
    public List<ConnectionReport> connections() {
        return locked(connections::reports);
    }

    /** Why no pod can be given to a ztunnel now; empty if one can. */
    public Optional<String> problem() {
        return locked(() -> connections.serving().isPresent()
                ? Optional.empty()
                : Optional.of(connections.absence().getMessage()));
    }

    /** How long no pod could be given to a ztunnel; zero if one can. */
    public Duration timeWithoutZtunnel() {
        return locked(connections::timeWithout);
    }

    /** Ends all connections and lets go of all namespaces. ztunnels keep what they have. The file stays. */
    @Override
    public void close() {
        Optional<List<ZtunnelConnection>> open = locked(this::stop);
        if (open.isEmpty()) {
            return;
        }
        wakeup.signal();
        open.get().forEach(ZtunnelConnection::join);
        if (acceptor.getState() != Thread.State.NEW) {
            Threads.join(acceptor);
        }
        listener.close();
        wakeup.close();
    }

    /** Stops all that goes on; the connections that end now, empty if somebody has stopped it before. */
    private Optional<List<ZtunnelConnection>> stop() {
        if (closed) {
            return Optional.empty();
        }
        closed = true;
        wishes.clear();
        connections.all().forEach(connection -> connection.stop(STOPPING));
        changed.signalAll();
        return Optional.of(List.copyOf(connections.all()));
    }

    private void accept() {
        AcceptPace pace = new AcceptPace(limits.acceptsPerSecond());
        while (!locked(() -> closed)) {
            Duration pause = pace.pause(System.nanoTime());
            if (!pause.isZero()) {
                wakeup.await(pause);
                continue;
            }
            try {
                listener.accept(wakeup, IDLE).ifPresent(socket -> {
                    pace.accepted(System.nanoTime());
                    admit(socket);
                });
            } catch (RuntimeException e) {
                // Whatever it is: without this thread, no ztunnel would ever hear of a pod again.
                LOG.log(System.Logger.Level.ERROR, "accepting a ztunnel failed: " + e.getMessage(), e);
                wakeup.await(AFTER_A_FAILURE);
            }
        }
    }

    private void admit(PacketSocket socket) {
        boolean admitted = false;
        try {
            admitted = isRoots(socket) && locked(() -> begin(socket));
        } finally {
            if (!admitted) {
                socket.close();
            }
        }
    }

    private boolean isRoots(PacketSocket socket) {
        int uid = socket.peer().uid();
        boolean permitted = uid == 0 || uid == ownUid();
        if (!permitted) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "rejecting a connection of user " + uid + " to " + listener.path() + ": only root may connect");
        }
        return permitted;
    }

    /** Talks to it; not when this is closed meanwhile. */
    private boolean begin(PacketSocket socket) {
        // The oldest one is the one that is least likely to be of use; if it lives, it connects again.
        while (!closed && connections.all().size() >= limits.connections()) {
            connections
                    .all()
                    .getFirst()
                    .stop("more than " + limits.connections() + " connections; the newest ones are kept");
            changed.awaitUninterruptibly();
        }
        if (closed) {
            return false;
        }
        ZtunnelConnection connection = new ZtunnelConnection(accepted + 1, socket, limits, peers);
        connection.start();
        connections.add(connection);
        accepted++;
        return true;
    }

    private final ZtunnelConnection.Peers peers = new ZtunnelConnection.Peers() {
        @Override
        public void greeted(ZtunnelConnection connection, byte[] message) {
            locked(() -> {
                connection.conversation().greet(message);
                log(connection, "connected");
                changed.signalAll();
            });
        }

        @Override
        public Optional<ZtunnelConnection.Turn> next(ZtunnelConnection connection) {
            return locked(() -> {
                if (closed) {
                    return Optional.empty();
                }
                boolean serving =
                        connections.serving().filter(connection::equals).isPresent();
                return connection
                        .conversation()
                        .next(wishes, serving)
                        .map(said -> new ZtunnelConnection.Turn(
                                said.request(),
                                said.wish().flatMap(Wish::namespace).map(SharedDescriptor::share)));
            });
        }

        @Override
        public void answered(ZtunnelConnection connection, byte[] message) {
            boolean ready = locked(() -> {
                Conversation conversation = connection.conversation();
                boolean snapshot = conversation.phase() == Conversation.Phase.SNAPSHOT;
                conversation.answer(message);
                boolean opened = snapshot && conversation.phase() == Conversation.Phase.OPEN;
                if (opened) {
                    log(
                            connection,
                            "has acknowledged a snapshot of "
                                    + conversation.told().size() + " pods");
                    // Another one may have served until now, or has to serve no longer.
                    connections.wake();
                }
                changed.signalAll();
                return opened;
            });
            if (ready) {
                whenReady.run();
            }
        }

        @Override
        public void ended(ZtunnelConnection connection, String reason) {
            locked(() -> {
                log(connection, "disconnected: " + reason);
                connections.remove(connection, reason);
                connections.wake();
                changed.signalAll();
            });
        }
    };

    private void awaitServed(Wish wish, Deadline deadline) {
        Deadline patience = Deadline.after(limits.reconnection());
        while (true) {
            if (!wishes.holds(wish)) {
                throw new ZtunnelException(
                        Reason.OVERTAKEN, wish.info() + " (UID " + wish.uid() + ") is not wanted any more");
            }
            Optional<ZtunnelConnection> serving = connections.serving();
            Optional<Told> told =
                    serving.map(connection -> connection.conversation().told().get(wish.uid()));
            switch (told.orElse(new Told.Kept())) {
                case Told.Serves(FileKey namespace)
                when wish.key().filter(namespace::equals).isPresent() -> {
                    return;
                }
                case Told.Refused(FileKey _, long attempt, String error)
                when attempt == wish.attempt() ->
                    throw new ZtunnelException(Reason.REFUSED, "ztunnel cannot serve " + wish.info() + ": " + error);
                case Told.Serves _, Told.Refused _, Told.Kept _ -> {
                    // It will be asked, or has not answered yet.
                }
            }
            if (serving.isPresent()) {
                patience = Deadline.after(limits.reconnection());
            } else if (patience.remaining().isZero()) {
                throw connections.absence();
            }
            if (deadline.remaining().isZero()) {
                throw serving.isPresent() ? Connections.late(wish, serving.get()) : connections.absence();
            }
            await(serving.isPresent() ? deadline : Deadline.after(deadline.atMost(patience.remaining())));
        }
    }

    /** Waits for a change; false if the time is over. */
    @SuppressWarnings("WaitNotInLoop") // the callers' loops
    private boolean await(Deadline deadline) {
        try {
            return changed.awaitNanos(deadline.remaining().toNanos()) > 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ZtunnelException(Reason.LATE, "interrupted while waiting for ztunnel");
        }
    }

    private static void requireEncodable(String uid, WorkloadInfo info) {
        try {
            byte[] _ = ZdsCodec.encode(new ZdsRequest.Add(uid, info));
        } catch (ZdsException e) {
            throw new ZtunnelException(Reason.REFUSED, e.getMessage());
        }
    }

    private static int ownUid() {
        try {
            return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            throw new RedirectException("finding out the user of this process failed: " + e, e);
        }
    }

    private static void log(ZtunnelConnection connection, String event) {
        LOG.log(System.Logger.Level.INFO, "ztunnel " + connection.number() + " " + event);
    }

    private void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    private <T> T locked(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }
}
