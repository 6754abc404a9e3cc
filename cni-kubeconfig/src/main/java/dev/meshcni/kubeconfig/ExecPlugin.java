// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.config.DaemonException;
import dev.meshcni.core.ShortLine;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A program that gives the credential: {@code exec} of a user, {@code client.authentication.k8s.io}. */
final class ExecPlugin {
    private static final String GROUP = "client.authentication.k8s.io/";
    private static final List<String> VERSIONS = List.of(GROUP + "v1", GROUP + "v1beta1");
    private static final String CLUSTER_EXTENSION = "client.authentication.k8s.io/exec";
    private static final Duration LONGEST = Duration.ofMinutes(1);
    private static final Duration LONGEST_WITH_PEOPLE = Duration.ofMinutes(5);
    private static final Duration REST = Duration.ofSeconds(2);
    private static final int MOST_OUTPUT = 1 << 20;

    private final Section exec;
    private final Section cluster;
    private final String command;
    private final String version;
    private final boolean interactive;

    /**
     * @param exec the section {@code exec} of a user
     * @param cluster the cluster, of which the plugin may want to know
     * @throws DaemonException if the section cannot be used
     */
    ExecPlugin(Section exec, Section cluster) {
        this.exec = exec;
        this.cluster = cluster;
        command = exec.text("command").orElseThrow(() -> exec.wrong("command", "is missing"));
        version = exec.text("apiVersion").orElseThrow(() -> exec.wrong("apiVersion", "is missing"));
        if (!VERSIONS.contains(version)) {
            throw exec.wrong("apiVersion", version + " must be one of " + VERSIONS + "; update the plugin " + command);
        }
        boolean terminal = isTerminal();
        interactive = switch (exec.text("interactiveMode").orElse("IfAvailable")) {
            case "Never" -> false;
            case "IfAvailable" -> terminal;
            case "Always" -> {
                if (!terminal) {
                    throw exec.wrong("interactiveMode", "is Always, and standard input is no terminal");
                }
                yield true;
            }
            default -> throw exec.wrong("interactiveMode", "must be Never, IfAvailable or Always");
        };
    }

    /**
     * Runs the plugin.
     *
     * @throws DaemonException if it cannot be started, fails, or gives no credential
     */
    ExecCredential run() {
        ProcessBuilder builder = new ProcessBuilder(line());
        exec.list("env")
                .forEach(variable -> builder.environment()
                        .put(
                                variable.text("name")
                                        .orElseThrow(() -> exec.wrong("env", "has a variable without name")),
                                variable.text("value").orElse("")));
        builder.environment().put("KUBERNETES_EXEC_INFO", CniJson.compact(question()));
        if (interactive) {
            // Whatever a plugin asks of people it asks on standard error.
            builder.redirectInput(ProcessBuilder.Redirect.INHERIT).redirectError(ProcessBuilder.Redirect.INHERIT);
        }
        try {
            return credential(output(builder.start()));
        } catch (IOException e) {
            throw failure("cannot be run: " + reason(e));
        }
    }

    /** Whether standard input is one: the console of the JDK needs a module of its own to say so. */
    private static boolean isTerminal() {
        try {
            String input = Files.readSymbolicLink(Path.of("/proc/self/fd/0")).toString();
            return input.startsWith("/dev/pts/") || input.startsWith("/dev/tty") || input.equals("/dev/console");
        } catch (IOException _) {
            return false;
        }
    }

    private List<String> line() {
        List<String> line = new ArrayList<>();
        // Names alone are looked up in PATH, anything else is a path.
        line.add(
                command.indexOf('/') < 0
                        ? command
                        : exec.file().resolveSibling(command).normalize().toString());
        line.addAll(exec.texts("args"));
        return line;
    }

    private ObjectNode question() {
        ObjectNode question = CniJson.newObject().put("apiVersion", version).put("kind", "ExecCredential");
        ObjectNode spec = question.putObject("spec").put("interactive", interactive);
        if (exec.flag("provideClusterInfo")) {
            ObjectNode info = spec.putObject("cluster");
            cluster.text("server").ifPresent(text -> info.put("server", text));
            cluster.text("tls-server-name").ifPresent(text -> info.put("tls-server-name", text));
            cluster.text("proxy-url").ifPresent(text -> info.put("proxy-url", text));
            if (cluster.flag("insecure-skip-tls-verify")) {
                info.put("insecure-skip-tls-verify", true);
            }
            cluster.material("certificate-authority")
                    .ifPresent(found -> info.put(
                            "certificate-authority-data",
                            Base64.getEncoder().encodeToString(found.text().getBytes(StandardCharsets.ISO_8859_1))));
            cluster.list("extensions").stream()
                    .filter(extension -> extension.text("name").equals(Optional.of(CLUSTER_EXTENSION)))
                    .flatMap(extension -> extension.optionalSection("extension", cluster.place()).stream())
                    .forEach(found -> info.putPOJO("config", found.fields().plain()));
        }
        return question;
    }

    private String output(Process process) throws IOException {
        CompletableFuture<String> out = read(process.getInputStream());
        CompletableFuture<String> err = read(process.getErrorStream());
        try {
            process.getOutputStream().close();
            Duration longest = interactive ? LONGEST_WITH_PEOPLE : LONGEST;
            if (!process.waitFor(longest)) {
                throw failure("did not end within " + longest.toSeconds() + " seconds");
            }
            if (process.exitValue() != 0) {
                String words = firstLine(rest(err));
                throw failure("failed with exit code " + process.exitValue() + (words.isEmpty() ? "" : ": " + words));
            }
            return rest(out);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failure("was interrupted");
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /** Whoever a plugin leaves behind may hold its output open. */
    private String rest(CompletableFuture<String> output) throws InterruptedException {
        try {
            return output.get(REST.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw failure("ended and left a process behind that holds its output");
        } catch (ExecutionException e) {
            throw failure("has an output that cannot be read: " + e.getCause().getMessage());
        }
    }

    private CompletableFuture<String> read(InputStream stream) {
        CompletableFuture<String> text = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try (stream) {
                text.complete(new String(stream.readNBytes(MOST_OUTPUT), StandardCharsets.UTF_8));
            } catch (IOException e) {
                text.completeExceptionally(e);
            }
        });
        return text;
    }

    private ExecCredential credential(String output) {
        ObjectNode answer;
        try {
            answer = CniJson.lenientObject(output);
        } catch (CniException e) {
            throw failure("printed no ExecCredential: " + ShortLine.of(e.getMessage()));
        }
        if (!answer.path("kind").asText().equals("ExecCredential")
                || !answer.path("apiVersion").asText().equals(version)) {
            throw failure("printed a "
                    + ShortLine.of(answer.path("kind").asText() + " of "
                            + answer.path("apiVersion").asText()) + ", not an ExecCredential of " + version);
        }
        JsonNode status = answer.path("status");
        ExecCredential found = new ExecCredential(
                text(status, "token"),
                material(status, "clientCertificateData"),
                material(status, "clientKeyData"),
                text(status, "expirationTimestamp").map(this::instant));
        if (found.token().isEmpty() && found.certificate().isEmpty()) {
            throw failure("gave neither a token nor a client certificate");
        }
        if (found.certificate().isPresent() != found.key().isPresent()) {
            throw failure("gave only one of clientCertificateData and clientKeyData");
        }
        return found;
    }

    private Optional<Section.Material> material(JsonNode status, String field) {
        return text(status, field)
                .map(text -> new Section.Material(exec.place() + ": " + field + " of " + command, text));
    }

    private Instant instant(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeException e) {
            throw failure("gave expirationTimestamp " + ShortLine.of(text) + ", which is no time");
        }
    }

    private DaemonException failure(String what) {
        String hint =
                exec.text("installHint").map(text -> "; " + ShortLine.of(text)).orElse("");
        return new DaemonException(exec.place() + ": plugin " + command + " " + what + hint);
    }

    private static Optional<String> text(JsonNode status, String field) {
        return Optional.of(status.path(field).asText()).filter(text -> !text.isEmpty());
    }

    private static String firstLine(String text) {
        return text.lines()
                .filter(line -> !line.isBlank())
                .findFirst()
                .map(ShortLine::of)
                .orElse("");
    }

    private String reason(IOException failure) {
        String message = String.valueOf(failure.getMessage());
        if (message.contains("No such file")) {
            return command.indexOf('/') < 0
                    ? "there is no such program in PATH " + System.getenv("PATH")
                    : Path.of(line().getFirst()) + " does not exist";
        }
        return message.contains("Permission denied") ? line().getFirst() + " is not executable" : ShortLine.of(message);
    }
}
