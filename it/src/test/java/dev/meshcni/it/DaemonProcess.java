// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** The product's daemon, {@code install-cni}, as a process that can be ended and started again. */
final class DaemonProcess implements AutoCloseable {
    private static final Duration END_PATIENCE = Duration.ofSeconds(20);

    private final Path log;
    private final Path runDirectory;
    private final Function<Process, ProcessHandle> daemon;
    private Process process;

    /**
     * A daemon that is not started yet.
     *
     * @param log where it logs to, in the directory that it runs in
     * @param runDirectory the directory of its socket
     * @param daemon the daemon's process, by the one that a command line starts
     */
    DaemonProcess(Path log, Path runDirectory, Function<Process, ProcessHandle> daemon) {
        this.log = requireNonNull(log, "log is null");
        this.runDirectory = requireNonNull(runDirectory, "runDirectory is null");
        this.daemon = requireNonNull(daemon, "daemon is null");
    }

    /** Starts it by a command line, for the first time or again, and waits until it answers. */
    void start(List<String> line) {
        process = launch(line);
        Eventually.isTrue("the agent answers; its log: " + log, () -> !process.isAlive() || answers());
        if (!process.isAlive()) {
            throw new IllegalStateException("the agent has ended: " + logged());
        }
    }

    /** Ends it by SIGKILL, at once, whatever it is doing. */
    void kill() {
        daemon.apply(process).destroyForcibly();
        process.onExit().join();
    }

    /** Sends it a signal, by its name without SIG. */
    void signal(String name) {
        Command.of("kill", "-" + name, String.valueOf(daemon.apply(process).pid()))
                .run();
    }

    /** Waits until it has ended by itself. */
    void awaitEnd() {
        Eventually.isTrue("the daemon has ended; its log: " + log, () -> !process.isAlive());
    }

    /** Ends it by SIGTERM, as the kubelet does. */
    void terminate() {
        daemon.apply(process).destroy();
        try {
            process.onExit().get(END_PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("the daemon does not end: " + logged(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the daemon ends", e);
        }
    }

    /** How it has ended. */
    int exitCode() {
        return process.exitValue();
    }

    /** What it has logged so far, over all starts. */
    String logged() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        if (process == null || !process.isAlive()) {
            return;
        }
        try {
            terminate();
        } catch (IllegalStateException e) {
            kill();
        }
    }

    private Process launch(List<String> line) {
        try {
            return new ProcessBuilder(line)
                    .directory(log.getParent().toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean answers() {
        Path socket = runDirectory.resolve("agent.sock");
        if (!Files.exists(socket)) {
            return false;
        }
        try (SocketChannel connection = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return connection.isConnected();
        } catch (IOException e) {
            return false;
        }
    }
}
