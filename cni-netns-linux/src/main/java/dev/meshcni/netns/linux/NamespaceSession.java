// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.ChildProcess;
import dev.meshcni.libc.LibC;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * A stay in one network namespace: a platform thread of its own opens it, enters it once, does there what it is told
 * and ends.
 *
 * <p>The caller waits for each step until its deadline and no longer. What can hang in the kernel, such as opening a
 * path on a file system whose server is gone, then hangs a thread that nobody waits for. There is a bound on these
 * threads, and a path that counts as blocked is not opened again until the attempt that hangs has ended.
 */
final class NamespaceSession implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(NamespaceSession.class.getName());

    /** The number of namespaces that are worked in at once, including those that hang. */
    static final int MAX_SESSIONS = 64;

    private static final Semaphore PLACES = new Semaphore(MAX_SESSIONS, true);

    /** How many do something at once, in the order in which they came: more would only keep each other from it. */
    static final int MAX_TURNS = 2 * Runtime.getRuntime().availableProcessors();

    /** How long one waits for its turn: those before may hang, and then nobody has to wait for them. */
    static final Duration TURN_PATIENCE = Duration.ofMillis(500);

    private static final Semaphore TURNS = new Semaphore(MAX_TURNS, true);

    /** Paths that were still being opened when their caller went, and when they count as blocked; guarded by itself. */
    private static final Map<Path, Deadline> HANGING = new HashMap<>();

    /** A path that takes longer to be opened is blocked. */
    static final Duration TIME_TO_OPEN = Duration.ofSeconds(1);

    /** The sessions in a namespace; each backend of a process has its own. */
    static final class Occupancy {
        private final KeyedLocks locks = new KeyedLocks();
    }

    /** The caller has waited long enough. */
    private static final class LateException extends RedirectException {
        private static final long serialVersionUID = 1L;

        LateException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** The state that the thread finds when it has entered the namespace. */
    private record Entered(NamespaceId id, boolean own) {}

    private final Path path;
    private final Deadline deadline;

    /** The next task; an empty one ends the session. */
    private final BlockingQueue<Optional<Runnable>> steps = new LinkedBlockingQueue<>();

    private final CompletableFuture<Entered> entered = new CompletableFuture<>();

    /** Listed as soon as the namespace is entered, while its caller wakes up: nearly every call asks for them. */
    private final CompletableFuture<List<InetAddress>> addresses = new CompletableFuture<>();

    private final NamespaceSockets sockets = new NamespaceSockets();

    /** True until the path is open; guarded by {@link #HANGING}. */
    private boolean opening = true;

    private NamespaceSession(Path path, Deadline deadline) {
        this.path = Objects.requireNonNull(path, "path is null");
        this.deadline = Objects.requireNonNull(deadline, "deadline is null");
    }

    /**
     * Opens the namespace that a path leads to, and enters it when nobody else is in it.
     *
     * @param netns a path of the host
     * @param hostPaths where this process finds it
     * @throws dev.meshcni.core.spi.NetnsException if the path leads to no network namespace
     * @throws RedirectException if that takes too long, or it cannot be entered
     */
    static NamespaceSession open(Path netns, HostPaths hostPaths, Occupancy occupancy, Deadline deadline) {
        NamespaceSession session = begin(netns, hostPaths, occupancy, deadline);
        try {
            session.awaitEntered();
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
        return session;
    }

    /**
     * Begins with it. What {@link #open} would throw then, the first method throws that has to know the namespace.
     *
     * @throws RedirectException if there is no thread for it, or an earlier one still hangs at the path
     */
    static NamespaceSession begin(Path netns, HostPaths hostPaths, Occupancy occupancy, Deadline deadline) {
        LibC.load();
        Handover.prepare();
        if (isBlocked(netns)) {
            throw new RedirectException("an earlier attempt to open the network namespace " + netns
                    + " is still blocked: check whether the file system of the path responds");
        }
        takePlace(deadline);
        NamespaceSession session = new NamespaceSession(netns, deadline);
        Executor answer = Handover.toCaller();
        try {
            NamespaceThread.start(() -> session.live(hostPaths, occupancy, answer));
        } catch (RuntimeException | Error e) {
            PLACES.release();
            throw e;
        }
        return session;
    }

    NamespaceId id() {
        return awaitEntered().id();
    }

    boolean isOwn() {
        return awaitEntered().own();
    }

    /** The addresses by which others reach the pod. */
    List<InetAddress> addresses() {
        awaitEntered();
        return await(addresses, "listing its addresses");
    }

    /** Does something in the namespace, with the sockets of the stay; its exceptions are passed on. */
    <T> T inside(Function<NamespaceSockets, T> step) {
        awaitEntered();
        CompletableFuture<T> result = new CompletableFuture<>();
        Executor answer = Handover.toCaller();
        Runnable run = () -> {
            if (deadline.remaining().isZero()) {
                fail(answer, result, new RedirectException("the deadline of the call had passed before it started"));
                return;
            }
            try {
                T value = ChildProcess.within(deadline, () -> step.apply(sockets));
                answer.execute(() -> result.complete(value));
            } catch (Throwable e) {
                fail(answer, result, e);
            }
        };
        steps.add(Optional.of(run));
        return await(result, "the operation in it");
    }

    @Override
    public void close() {
        // Whoever has begun with it may not have waited for it.
        noteHanging(TIME_TO_OPEN);
        steps.add(Optional.empty());
    }

    private static void fail(Executor answer, CompletableFuture<?> result, Throwable failure) {
        answer.execute(() -> result.completeExceptionally(failure));
    }

    private static void takePlace(Deadline deadline) {
        try {
            if (PLACES.tryAcquire(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RedirectException("interrupted before a network namespace was opened", e);
        }
        throw new RedirectException(MAX_SESSIONS + " network namespaces are already in use, and " + blockedPaths()
                + " of their paths are blocked");
    }

    private static boolean isBlocked(Path netns) {
        synchronized (HANGING) {
            Deadline blocked = HANGING.get(netns);
            return blocked != null && blocked.remaining().isZero();
        }
    }

    private static long blockedPaths() {
        synchronized (HANGING) {
            return HANGING.keySet().stream().filter(NamespaceSession::isBlocked).count();
        }
    }

    private void live(HostPaths hostPaths, Occupancy occupancy, Executor answer) {
        try (OpenNamespace namespace = opened(hostPaths)) {
            String key = namespace.key().device() + ":" + namespace.key().inode();
            occupancy.locks.locked(key, deadline.remaining(), () -> {
                inTurn(() -> {
                    Entered found = enter(namespace, hostPaths, sockets);
                    answer.execute(() -> entered.complete(found));
                    listAddresses(answer);
                    lookAhead();
                    work();
                });
                return key;
            });
        } catch (Throwable e) {
            fail(answer, entered, e);
        } finally {
            sockets.close();
            Handover.run(PLACES::release);
            Handover.run(NamespaceThread::prepare);
        }
    }

    private static void inTurn(Runnable work) {
        boolean turn = false;
        try {
            turn = TURNS.tryAcquire(TURN_PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
            work.run();
        } catch (InterruptedException e) {
            // Nobody interrupts this thread.
            Thread.currentThread().interrupt();
        } finally {
            if (turn) {
                TURNS.release();
            }
        }
    }

    private void listAddresses(Executor answer) {
        try {
            List<InetAddress> found = sockets.rtnetlink().podAddresses();
            answer.execute(() -> addresses.complete(found));
        } catch (RuntimeException e) {
            fail(answer, addresses, e);
        }
    }

    /** Nearly every call wants to know what is there in netfilter, and its caller is not ready for it yet. */
    private void lookAhead() {
        if (steps.isEmpty()) {
            try {
                sockets.netfilter().lookAhead();
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.DEBUG, "left to the step that needs it: {0}", e.toString());
            }
        }
    }

    private OpenNamespace opened(HostPaths hostPaths) {
        try {
            return OpenNamespace.of(hostPaths.translate(path));
        } finally {
            synchronized (HANGING) {
                opening = false;
                HANGING.remove(path);
            }
        }
    }

    private static Entered enter(OpenNamespace namespace, HostPaths hostPaths, NamespaceSockets sockets) {
        boolean own = NetworkNamespace.isOfThisProcess(namespace);
        // That of this process is entered already; an init container has no right to enter any.
        if (!own) {
            namespace.enter();
        }
        return new Entered(
                namespace.id(sockets.rtnetlink().namespaceCookie()),
                own || NetworkNamespace.isOfTheNode(namespace, hostPaths));
    }

    private void work() {
        try {
            Optional<Runnable> step = steps.take();
            while (step.isPresent()) {
                step.get().run();
                step = steps.take();
            }
        } catch (InterruptedException e) {
            // Nobody interrupts this thread; should it happen, the session ends.
            Thread.currentThread().interrupt();
        }
    }

    private <T> T await(CompletableFuture<T> result, String what) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return result.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException _) {
                    // What was begun is bounded, and half of it would be worse.
                    interrupted = true;
                } catch (TimeoutException e) {
                    throw late(what, e);
                } catch (ExecutionException e) {
                    throw passedOn(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private Entered awaitEntered() {
        return await(entered, "entering it");
    }

    /** Nobody waits for it any more: if it is not open after so long, the next caller is to know. */
    private void noteHanging(Duration after) {
        synchronized (HANGING) {
            if (opening) {
                HANGING.merge(
                        path,
                        Deadline.after(after),
                        (one, other) -> one.remaining().compareTo(other.remaining()) < 0 ? one : other);
            }
        }
    }

    private LateException late(String what, TimeoutException cause) {
        noteHanging(Duration.ZERO);
        return new LateException(
                "the network namespace " + path + ": " + what + " did not finish before the deadline of the call",
                cause);
    }

    private static RuntimeException passedOn(Throwable failure) {
        switch (failure) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException("a supplier throws no checked exception", failure);
        }
    }
}
