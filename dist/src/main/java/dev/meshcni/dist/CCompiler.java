// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A C compiler, with the flags that the plugin is compiled with. */
final class CCompiler {
    /**
     * Java's arithmetic wraps, its references to anything are compared with null, and its fields are seen under more
     * than one type.
     */
    private static final List<String> MEANING =
            List.of("-fwrapv", "-fno-strict-aliasing", "-fno-delete-null-pointer-checks");

    private static final List<String> SIZE = List.of(
            "-Os",
            "-ffunction-sections",
            "-fdata-sections",
            "-fno-asynchronous-unwind-tables",
            "-Wl,--gc-sections",
            "-Wl,--build-id=none",
            "-s");

    /**
     * Addresses are known when the program is linked, and sections are where {@link GeneratedCode} and {@code libc.h}
     * want them.
     */
    private static final List<String> PLACE = List.of("-static", "-no-pie", "-Wl,--sort-section=name");

    private static final List<String> COMMON = List.of("-std=gnu11", "-w");

    private static final int LINES_OF_AN_ERROR = 20;

    private final Path program;
    private final Path scratch;

    CCompiler(Path program, Path scratch) {
        this.program = program;
        this.scratch = scratch;
    }

    /**
     * The first compiler for an architecture that is installed, once it is certain that it does what its flags say.
     *
     * @param scratch a directory for files that are needed meanwhile
     */
    static CCompiler find(Architecture architecture, Path scratch) throws IOException {
        CCompiler compiler = new CCompiler(
                architecture.compilers().stream()
                        .flatMap(name -> Arrays.stream(System.getenv("PATH").split(":"))
                                .map(directory -> Path.of(directory, name)))
                        .filter(Files::isExecutable)
                        .findFirst()
                        .orElseThrow(() -> new AssemblyException("no C compiler makes static programs for "
                                + architecture.label() + " here (" + String.join(", ", architecture.compilers()) + "): "
                                + architecture.remedy())),
                scratch);
        compiler.probe();
        return compiler;
    }

    /** Makes a program of a file, and of what that includes, behind a header. */
    void link(Path header, Path source, Path target) throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(COMMON);
        command.addAll(SIZE);
        command.addAll(PLACE);
        command.addAll(MEANING);
        command.addAll(List.of("-include", header.toString(), source.toString(), "-lm", "-o", target.toString()));
        run(command);
    }

    /** Each flag on which the meaning of the program depends must make a difference to code that is made to show it. */
    void probe() throws IOException {
        requireEffect("-fwrapv", "-fno-wrapv", "int probe(int a) { return a + 1 < a; }");
        requireEffect(
                "-fno-strict-aliasing",
                "-fstrict-aliasing",
                "int probe(int *a, float *b) { *a = 1; *b = 2; return *a; }");
        requireEffect(
                "-fno-delete-null-pointer-checks",
                "-fdelete-null-pointer-checks",
                "int probe(int *a) { int b = *a; return a ? b : 7; }");
    }

    private void requireEffect(String flag, String opposite, String code) throws IOException {
        Path source = Files.writeString(scratch.resolve("probe.c"), code + "\n", UTF_8);
        if (assembly(source, flag).equals(assembly(source, opposite))) {
            throw new AssemblyException(program + " compiles the same with " + flag + " and " + opposite
                    + ", so what it makes of the plugin would not mean what the Java code means; use another compiler");
        }
    }

    private String assembly(Path source, String flag) throws IOException {
        Path assembly = scratch.resolve("probe.s");
        run(List.of(program.toString(), "-std=gnu11", "-O2", flag, "-S", source.toString(), "-o", assembly.toString()));
        return Files.readString(assembly, UTF_8);
    }

    private void run(List<String> command) throws IOException {
        Path log = scratch.resolve("compiler.log");
        int exitCode = Processes.run(command, Map.of("PATH", System.getenv("PATH")), log);
        if (exitCode != 0) {
            List<String> lines = Files.readAllLines(log, UTF_8);
            throw new AssemblyException(program + " ended with exit code " + exitCode + ":\n"
                    + String.join("\n", lines.subList(0, Math.min(lines.size(), LINES_OF_AN_ERROR))));
        }
    }
}
