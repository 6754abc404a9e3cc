// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.exec;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniError;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.Quote;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Starts one plugin for one call, feeds it, and understands what it prints (CNI specification 1.1, section 2,
 * "Overview").
 */
final class PluginProcess {
    private static final System.Logger LOG = System.getLogger(PluginProcess.class.getName());

    private static final int LONGEST_STDERR = 16 << 10;

    private final Map<String, String> environment;
    private final Duration timeout;

    PluginProcess(Map<String, String> environment, Duration timeout) {
        this.environment = Map.copyOf(environment);
        this.timeout = Objects.requireNonNull(timeout, "timeout is null");
    }

    /** Runs a plugin and returns what it printed; empty if it printed nothing. */
    Optional<ObjectNode> run(Path plugin, byte[] stdin, Map<String, String> cniEnvironment) {
        ProcessBuilder builder = new ProcessBuilder(plugin.toString());
        builder.environment().clear();
        builder.environment().putAll(environment);
        builder.environment().putAll(cniEnvironment);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new CniException(ErrorCode.IO_FAILURE, "cannot start " + plugin + ": " + e.getMessage(), "", e);
        }
        try {
            return answer(plugin, process, stdin);
        } finally {
            kill(process);
        }
    }

    private Optional<ObjectNode> answer(Path plugin, Process process, byte[] stdin) {
        CompletableFuture<byte[]> stdout = reading(process.getInputStream(), CniJson.MAX_LENGTH);
        CompletableFuture<byte[]> stderr = reading(process.getErrorStream(), LONGEST_STDERR);
        Thread.ofVirtual().start(() -> write(process.getOutputStream(), stdin));
        byte[] printed;
        String said;
        try {
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                throw late();
            }
            // A program that the plugin left behind may hold its streams open for ever.
            printed = stdout.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            said = new String(stderr.get(timeout.toMillis(), TimeUnit.MILLISECONDS), StandardCharsets.UTF_8).strip();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CniException(ErrorCode.TRY_AGAIN_LATER, "interrupted, the plugin was killed", "", e);
        } catch (ExecutionException | TimeoutException e) {
            throw late();
        }
        if (!said.isEmpty()) {
            LOG.log(System.Logger.Level.DEBUG, "{0} on stderr: {1}", plugin, said);
        }
        if (process.exitValue() != 0) {
            throw failure(process.exitValue(), printed, said);
        }
        boolean blank = new String(printed, StandardCharsets.ISO_8859_1).isBlank();
        return blank ? Optional.empty() : Optional.of(CniJson.object(printed));
    }

    private CniException late() {
        return new CniException(
                ErrorCode.TRY_AGAIN_LATER, "no answer within " + timeout.toMillis() + " ms, it was killed", "");
    }

    /** The error object that the plugin printed, or whatever else it said. */
    private static CniException failure(int exitValue, byte[] stdout, String stderr) {
        try {
            return CniError.parse(CniJson.object(stdout)).toException();
        } catch (CniException e) {
            String printed = new String(stdout, StandardCharsets.UTF_8).strip();
            return new CniException(
                    ErrorCode.INTERNAL,
                    "exit code " + exitValue + " without a CNI error",
                    "stdout: " + Quote.of(printed) + ", stderr: " + Quote.of(stderr),
                    e);
        }
    }

    /** Reads all there is, and keeps no more than the limit: a process that can still write does not hang. */
    private static CompletableFuture<byte[]> reading(InputStream stream, int limit) {
        CompletableFuture<byte[]> content = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> content.complete(read(stream, limit)));
        return content;
    }

    private static byte[] read(InputStream stream, int limit) {
        try (stream) {
            byte[] kept = stream.readNBytes(limit + 1);
            stream.transferTo(OutputStream.nullOutputStream());
            return kept;
        } catch (IOException e) {
            return new byte[0];
        }
    }

    private static void write(OutputStream stream, byte[] stdin) {
        try (stream) {
            stream.write(stdin);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "the plugin did not read its configuration", e);
        }
    }

    /** The plugin and what it started. What has ended already is left alone. */
    private static void kill(Process process) {
        if (process.isAlive()) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }
}
