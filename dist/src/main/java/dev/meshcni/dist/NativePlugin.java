// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
    /** The name by which runtimes call it. */
    static final String NAME = "istio-cni";

    /** TeaVM puts some results into a variable for the time of an expression. */
    private static final Pattern TEMPORARY = Pattern.compile("\\b(teavm_tmp_\\w+) = ");

    // What of a program it is, and where it is to be in memory (elf(5)).
    private static final int TYPE = 16;
    private static final int EXECUTABLE = 2;
    private static final int HEADERS = 32;
    private static final int HEADER_SIZE = 54;
    private static final int HEADER_COUNT = 56;
    private static final int ADDRESS = 16;
    private static final int MEMORY_SIZE = 40;
    private static final long ADDRESSES = 1L << 29;

    private final Path module;

    /** The plugin of the directory of its Maven module. */
    NativePlugin(Path module) {
        this.module = module;
    }

    /** The sources that it is made from. */
    Path generated() {
        return module.resolve("target/c");
    }

    /** The code before and behind that. */
    Path ownCode() {
        return module.resolve("src/main/c");
    }

    /** Makes it in a directory {@code bin} of {@code dist}. */
    void make(Architecture architecture, Path dist, Path scratch) throws IOException {
        Path source = generated().resolve(GeneratedCode.ALL);
        if (!Files.exists(source)) {
            throw new AssemblyException(source + " is not there: build the module " + module.getFileName() + " first");
        }
        requireOrder();
        GeneratedCode code = GeneratedCode.copy(
                generated(), ownCode().resolve("start.c"), Files.createTempDirectory(scratch, "plugin"));
        Path program = Files.createDirectories(dist.resolve("bin")).resolve(NAME);
        CCompiler.find(architecture, scratch).link(ownCode().resolve("libc.h"), code.all(), program);
        requireLowAddresses(program);
    }

    /** Headers of objects have room for 29 bits of the address of a class ({@code libc.h}). */
    static void requireLowAddresses(Path program) throws IOException {
        ByteBuffer elf = ByteBuffer.wrap(Files.readAllBytes(program)).order(ByteOrder.LITTLE_ENDIAN);
        boolean low = elf.getShort(TYPE) == EXECUTABLE;
        for (int i = 0; i < elf.getShort(HEADER_COUNT); i++) {
            int header = Math.toIntExact(elf.getLong(HEADERS)) + i * elf.getShort(HEADER_SIZE);
            low &= elf.getLong(header + ADDRESS) + elf.getLong(header + MEMORY_SIZE) <= ADDRESSES;
        }
        if (!low) {
            throw new AssemblyException(program + " is not linked to run at a fixed address below 512 MiB,"
                    + " as the headers of its objects need it; use another compiler");
        }
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
