// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the plugin's program is made by. */
@Slow
class NativePluginTest {
    private static final Path MODULE = Path.of("../cni-plugin");
    private static final String QEMU = "qemu-aarch64";

    @TempDir
    private Path directory;

    private Path scratch;

    @BeforeEach
    void makeScratch() throws IOException {
        scratch = Files.createDirectory(directory.resolve("scratch"));
    }

    @Test
    void theSameInputsGiveTheSameBytes() throws IOException {
        Path first = make(Architecture.ofThisMachine(), "first");
        Path second = make(Architecture.ofThisMachine(), "second");

        assertThat(first).hasSameBinaryContentAs(second);
    }

    @Test
    void theProgramForArmAnswersThere() throws IOException {
        needsACompiler(Architecture.ARM64);
        assumeTrue(isInstalled(QEMU), "needs " + QEMU);
        Path plugin = make(Architecture.ARM64, "arm");
        Path output = directory.resolve("output");

        int exitCode = Processes.run(
                List.of(QEMU, plugin.toString()), Map.of("CNI_COMMAND", "VERSION", "PATH", path()), output);
        assertThat(Files.readString(output, UTF_8)).startsWith("{\"cniVersion\":\"1.1.0\",\"supportedVersions\":");
        assertThat(exitCode).isZero();

        exitCode =
                Processes.run(List.of(QEMU, plugin.toString()), Map.of("CNI_COMMAND", "ADD", "PATH", path()), output);
        assertThat(Files.readString(output, UTF_8))
                .contains(
                        "\"code\":4", "required environment variables missing: CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME");
        assertThat(exitCode).isEqualTo(1);
        assertThat(Files.size(plugin)).isLessThan(1 << 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"wrapv", "strict-aliasing", "delete-null-pointer-checks"})
    void aCompilerThatPassesOverAFlagIsNotUsed(String flag) throws IOException {
        Path real = compiler(Architecture.ofThisMachine());
        Path deaf = Files.writeString(directory.resolve("cc"), """
                #!/bin/sh
                for argument; do
                  shift
                  case $argument in -f%1$s | -fno-%1$s) ;; *) set -- "$@" "$argument" ;; esac
                done
                exec %2$s "$@"
                """.formatted(flag, real));
        Files.setPosixFilePermissions(deaf, PosixFilePermissions.fromString("rwx------"));

        assertThatThrownBy(() -> new CCompiler(deaf, scratch).probe())
                .isInstanceOf(AssemblyException.class)
                .hasMessageContaining(flag)
                .hasMessageContaining("use another compiler");
    }

    @Test
    void codeWhoseOrderCLeavesOpenIsRefused() throws IOException {
        Path generated = Files.createDirectories(directory.resolve("module/target/c"));
        Files.writeString(
                generated.resolve("all.c"),
                "x = (teavm_tmp_int_0 = A, teavm_tmp_int_0) | (teavm_tmp_int_0 = B, teavm_tmp_int_0);");

        assertThatThrownBy(() -> new NativePlugin(directory.resolve("module"))
                        .make(Architecture.ofThisMachine(), directory.resolve("dist"), scratch))
                .isInstanceOf(AssemblyException.class)
                .hasMessageContaining("the order of teavm_tmp_int_0 is undefined");
    }

    @Test
    void aRuntimeThatStartsOtherwiseIsRefused() throws IOException {
        needsGeneratedCode();
        Path generated = directory.resolve("generated");
        try (Stream<Path> files = Files.walk(MODULE.resolve("target/c"))) {
            for (Path file : files.toList()) {
                Files.copy(
                        file,
                        generated.resolve(
                                MODULE.resolve("target/c").relativize(file).toString()));
            }
        }
        Files.writeString(generated.resolve("fiber.c"), "void teavm_startFibers() {\n}\n");

        assertThatThrownBy(() -> GeneratedCode.copy(generated, MODULE.resolve("src/main/c/start.c"), scratch))
                .isInstanceOf(AssemblyException.class)
                .hasMessageStartingWith("fiber.c does not define teavm_initFiber");
    }

    @Test
    void aProgramThatMayBeAnywhereInMemoryIsRefused() {
        Path anywhere = Path.of(System.getProperty("java.home"), "bin/java");

        assertThatThrownBy(() -> NativePlugin.requireLowAddresses(anywhere))
                .isInstanceOf(AssemblyException.class)
                .hasMessageContaining("is not linked to run at a fixed address below 512 MiB");
    }

    @Test
    void anArchitectureThatIsNoneIsNamed() {
        assertThatThrownBy(() -> Architecture.of("vax"))
                .isInstanceOf(AssemblyException.class)
                .hasMessage("no architecture vax; known are [amd64, arm64]");
    }

    private Path make(Architecture architecture, String name) throws IOException {
        needsACompiler(architecture);
        needsGeneratedCode();
        Path dist = directory.resolve(name);
        new NativePlugin(MODULE).make(architecture, dist, scratch);
        return dist.resolve("bin/istio-cni");
    }

    private static void needsGeneratedCode() {
        assumeTrue(
                Files.exists(MODULE.resolve("target/c/all.c")), "needs what TeaVM makes: run the build up to package");
    }

    private static void needsACompiler(Architecture architecture) {
        assumeTrue(
                architecture.compilers().stream().anyMatch(NativePluginTest::isInstalled),
                "needs a compiler for " + architecture.label() + ": " + architecture.remedy());
    }

    private static Path compiler(Architecture architecture) {
        needsACompiler(architecture);
        return architecture.compilers().stream()
                .flatMap(NativePluginTest::found)
                .findFirst()
                .orElseThrow();
    }

    private static boolean isInstalled(String program) {
        return found(program).findAny().isPresent();
    }

    private static Stream<Path> found(String program) {
        return Stream.of(path().split(":"))
                .map(directory -> Path.of(directory, program))
                .filter(Files::isExecutable);
    }

    private static String path() {
        return System.getenv("PATH");
    }
}
