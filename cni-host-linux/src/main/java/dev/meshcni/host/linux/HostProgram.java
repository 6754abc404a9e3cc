// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.util.Objects.requireNonNull;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Starts programs in a mount namespace that need not be this process's: what is found at a path there, whether its file
 * system lets it run, and which loader it gets, is what a process of that namespace would see.
 *
 * <p>Each program has a thread of its own, which enters the namespace and ends with the program: it gives up the root
 * and the working directory that it shares with the other threads ({@code unshare(CLONE_FS)}), as setns(2) demands. One
 * that hangs in the kernel holds that thread; until it has an outcome no other program is started.
 */
public final class HostProgram implements AutoCloseable {
    /** Beyond a program's deadline: for killing it, and for what the machine is slow at. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    private static final int CLONE_FS = 0x200;
    private static final int CLONE_NEWNS = 0x20000;

    private final Optional<Path> namespace;
    private CompletableFuture<ProgramOutcome> last = CompletableFuture.completedFuture(new ProgramOutcome.Cancelled());
    private volatile boolean closed;

    private HostProgram(Optional<Path> namespace) {
        this.namespace = namespace;
    }

    /** Programs in this process's own mount namespace. */
    public static HostProgram inOwnMounts() {
        return new HostProgram(Optional.empty());
    }

    /**
     * Programs in another mount namespace; entering it takes {@code CAP_SYS_ADMIN} and {@code CAP_SYS_CHROOT}.
     *
     * @param namespace its file, such as {@code /proc/1/ns/mnt}
     */
    public static HostProgram in(Path namespace) {
        return new HostProgram(Optional.of(requireNonNull(namespace, "namespace is null")));
    }

    /** Starts a program and waits for its end, or for its deadline and a little more. */
    public ProgramOutcome run(ProgramCall call) {
        requireNonNull(call, "call is null");
        CompletableFuture<ProgramOutcome> outcome = new CompletableFuture<>();
        synchronized (this) {
            if (closed) {
                return new ProgramOutcome.Cancelled();
            }
            if (!last.isDone()) {
                return new ProgramOutcome.Late(call.deadline(), true);
            }
            last = outcome;
            Thread.ofPlatform().daemon().name("host-program").start(() -> complete(outcome, call));
        }
        return await(outcome, call.deadline());
    }

    /** Whoever waits for a program waits no longer; the program is killed. */
    @Override
    public void close() {
        closed = true;
        synchronized (this) {
            last.complete(new ProgramOutcome.Cancelled());
        }
    }

    private static ProgramOutcome await(CompletableFuture<ProgramOutcome> outcome, Duration deadline) {
        try {
            return outcome.get(deadline.plus(GRACE).toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return new ProgramOutcome.Late(deadline, true);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new ProgramOutcome.Cancelled();
        } catch (ExecutionException e) {
            throw new IllegalStateException("unexpected error starting a program", e.getCause());
        }
    }

    private void complete(CompletableFuture<ProgramOutcome> outcome, ProgramCall call) {
        try (SpawnedProgram program = SpawnedProgram.prepare(call)) {
            Optional<String> refused = enter();
            outcome.complete(
                    refused.isPresent() ? new ProgramOutcome.NotEntered(refused.get()) : program.run(outcome::isDone));
        } catch (RuntimeException | Error e) {
            outcome.completeExceptionally(e);
        }
    }

    private Optional<String> enter() {
        if (namespace.isEmpty()) {
            return Optional.empty();
        }
        LibC.Result opened;
        try (Arena arena = Arena.ofConfined()) {
            opened = LibC.OPEN.call(arena.allocateFrom(namespace.get().toString()), LibC.O_RDONLY | LibC.O_CLOEXEC);
        }
        if (opened.failed()) {
            return Optional.of(namespace.get() + ": " + LibC.text(opened.errno()));
        }
        try {
            return refusal(LibC.UNSHARE.call(CLONE_FS), "unshare(CLONE_FS)")
                    .or(() ->
                            refusal(LibC.SETNS.call(opened.intValue(), CLONE_NEWNS), "setns(" + namespace.get() + ")"));
        } finally {
            LibC.CLOSE.call(opened.intValue());
        }
    }

    private static Optional<String> refusal(LibC.Result result, String what) {
        return result.failed() ? Optional.of(what + ": " + LibC.text(result.errno())) : Optional.empty();
    }
}
