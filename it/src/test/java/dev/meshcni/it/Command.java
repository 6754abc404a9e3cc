// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A process that is run to its end. */
public final class Command {
    private final List<String> line;
    private final byte[] input;
    private final Map<String, String> environment;
    private final boolean inherits;
    private final Duration patience;

    private Command(
            List<String> line, byte[] input, Map<String, String> environment, boolean inherits, Duration patience) {
        this.line = List.copyOf(line);
        this.input = input;
        this.environment = Map.copyOf(environment);
        this.inherits = inherits;
        this.patience = patience;
    }

    /** What a process left: its exit code and its two outputs. */
    public record Result(int exitCode, String out, String err) {
        public boolean succeeded() {
            return exitCode == 0;
        }
    }

    public static Command of(String... line) {
        return new Command(List.of(line), new byte[0], Map.of(), true, Duration.ofSeconds(30));
    }

    public Command input(String text) {
        return input(text.getBytes(UTF_8));
    }

    /** What it reads on standard input. */
    public Command input(byte[] bytes) {
        return new Command(line, bytes, environment, inherits, patience);
    }

    /** After this time it is killed, and the run fails. */
    public Command within(Duration time) {
        return new Command(line, input, environment, inherits, time);
    }

    /** Adds variables to the environment of this JVM. */
    public Command environment(Map<String, String> variables) {
        return new Command(line, input, variables, true, patience);
    }

    /** Gives it these variables and no others. */
    public Command onlyEnvironment(Map<String, String> variables) {
        return new Command(line, input, variables, false, patience);
    }

    /** Runs it and returns what it printed on standard output. */
    public String run() {
        Result result = result();
        if (!result.succeeded()) {
            throw new IllegalStateException(
                    String.join(" ", line) + " exited with " + result.exitCode() + ": " + result.err() + result.out());
        }
        return result.out();
    }

    /** Runs it, whatever its exit code. */
    public Result result() {
        ProcessBuilder builder = new ProcessBuilder(line);
        if (!inherits) {
            builder.environment().clear();
        }
        builder.environment().putAll(environment);
        try (var readers = Executors.newVirtualThreadPerTaskExecutor()) {
            Process process = builder.start();
            CompletableFuture<String> out =
                    CompletableFuture.supplyAsync(() -> text(process.getInputStream()), readers);
            CompletableFuture<String> err =
                    CompletableFuture.supplyAsync(() -> text(process.getErrorStream()), readers);
            feed(process);
            if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException(
                        String.join(" ", line) + " did not end within " + patience + ": " + err.join() + out.join());
            }
            return new Result(process.exitValue(), out.join(), err.join());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot run " + String.join(" ", line), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while running " + String.join(" ", line), e);
        }
    }

    private void feed(Process process) {
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(input);
        } catch (IOException e) {
            // A process that ends without reading its input breaks the pipe; its exit code tells the story.
            System.getLogger(Command.class.getName()).log(System.Logger.Level.DEBUG, "input not read", e);
        }
    }

    private static String text(InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
