package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * {@code bin/istio-cni}: the C that TeaVM has made of the plugin's classes, compiled and linked to one static program
 * (docs/decisions/0025-the-plugin-is-one-static-file.md).
 */
final class NativePlugin {
    /** What runtimes call it. */
    static final String NAME = "istio-cni";

    /** TeaVM puts some results into a variable for the time of an expression. */
    private static final Pattern TEMPORARY = Pattern.compile("\\b(teavm_tmp_\\w+) = ");

    private final Path module;

    /** The plugin of the directory of its Maven module. */
    NativePlugin(Path module) {
        this.module = module;
    }

    /** What it is made from. */
    Path generated() {
        return module.resolve("target/c");
    }

    /** What comes before that. */
    Path header() {
        return module.resolve("src/main/c/libc.h");
    }

    /** Makes it in a directory {@code bin} of {@code dist}. */
    void make(Architecture architecture, Path dist, Path scratch) throws IOException {
        Path source = generated().resolve("all.c");
        if (!Files.exists(source)) {
            throw new AssemblyException(source + " is not there: build the module " + module.getFileName() + " first");
        }
        requireOrder();
        CCompiler.find(architecture, scratch)
                .link(
                        header(),
                        source,
                        Files.createDirectories(dist.resolve("bin")).resolve(NAME));
    }

    /** One variable for two results of an expression whose order C leaves open would hold either of them. */
    private void requireOrder() throws IOException {
        try (Stream<Path> files = Files.walk(generated())) {
            files.filter(file -> file.toString().endsWith(".c")).sorted().forEach(NativePlugin::requireOrder);
        }
    }

    private static void requireOrder(Path file) {
        try {
            for (String line : Files.readAllLines(file, UTF_8)) {
                Set<String> seen = new HashSet<>();
                Matcher temporary = TEMPORARY.matcher(line);
                while (temporary.find()) {
                    if (!seen.add(temporary.group(1))) {
                        throw new AssemblyException(file + ": the order of " + temporary.group(1)
                                + " is undefined; let the Java code compute one of the two in a statement of its own: "
                                + line.strip());
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
