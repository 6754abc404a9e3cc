// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** One call of a {@link CniPlugin}, from its variables and standard input to its answer and exit code. */
final class PluginCall {
    private static final int SUCCESS = 0;
    private static final int FAILURE = 1;

    private final CniPlugin plugin;
    private final Map<String, String> environment;
    private final InputStream stdin;
    private final PrintStream stdout;

    PluginCall(CniPlugin plugin, Map<String, String> environment, InputStream stdin, PrintStream stdout) {
        this.plugin = requireNonNull(plugin, "plugin is null");
        this.environment = Map.copyOf(environment);
        this.stdin = requireNonNull(stdin, "stdin is null");
        this.stdout = requireNonNull(stdout, "stdout is null");
    }

    /** Serves it, whatever happens, and returns the exit code. */
    int serve() {
        if (environment.getOrDefault("CNI_COMMAND", "").isEmpty()
                && !plugin.about().isEmpty()) {
            System.err.println(plugin.about());
            System.err.println("CNI versions: " + supported());
            return SUCCESS;
        }
        byte[] input = new byte[0];
        try {
            input = read();
            answer(CniRequest.parse(environment, input)).ifPresent(this::print);
        } catch (CniException e) {
            return fail(e, input);
        } catch (IOException | UncheckedIOException e) {
            return fail(new CniException(ErrorCode.IO_FAILURE, text(e), "", e), input);
        } catch (Exception | StackOverflowError e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            e.printStackTrace();
            return fail(
                    new CniException(
                            ErrorCode.INTERNAL,
                            "internal error of the plugin",
                            e.getClass().getName() + ": " + text(e),
                            e),
                    input);
        }
        return stdout.checkError() ? FAILURE : SUCCESS;
    }

    private byte[] read() throws IOException {
        byte[] input = stdin.readNBytes(CniJson.MAX_LENGTH + 1);
        stdin.transferTo(OutputStream.nullOutputStream());
        return input;
    }

    private Optional<ObjectNode> answer(CniRequest request) throws Exception {
        SpecVersion version = request.config().cniVersion();
        if (request.command() == CniCommand.VERSION) {
            List<String> versions =
                    plugin.versions().stream().map(SpecVersion::text).toList();
            return Optional.of(new VersionInfo(version.text(), versions).toJson());
        }
        if (!plugin.versions().contains(version)) {
            throw new CniException(
                    ErrorCode.INCOMPATIBLE_VERSION,
                    "incompatible CNI version " + version,
                    "the plugin supports " + supported());
        }
        switch (request.command()) {
            case ADD -> {
                return Optional.of(plugin.add(request).toJson(version));
            }
            case DEL -> plugin.del(request);
            case CHECK -> plugin.check(request);
            case GC -> plugin.gc(request);
            case STATUS -> plugin.status(request);
            case VERSION -> throw new AssertionError("answered above");
        }
        return Optional.empty();
    }

    private int fail(CniException failure, byte[] input) {
        print(CniError.of(failure, versionOf(input)).toJson());
        return FAILURE;
    }

    private void print(ObjectNode answer) {
        stdout.println(CniJson.compact(answer));
    }

    private String supported() {
        return plugin.versions().stream().map(SpecVersion::text).collect(Collectors.joining(", "));
    }

    /** The version that the call asks to be answered in, as far as that can be read, else the newest. */
    private static SpecVersion versionOf(byte[] input) {
        try {
            return SpecVersion.of(CniJson.object(input).path("cniVersion").asText(""))
                    .orElse(SpecVersion.latest());
        } catch (CniException e) {
            return SpecVersion.latest();
        }
    }

    private static String text(Throwable failure) {
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }
}
