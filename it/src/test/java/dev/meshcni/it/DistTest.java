// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What must hold of the installed tree, whoever copies it and whoever starts it. */
@Slow
class DistTest {
    private static final Map<String, String> VERSION = Map.of("CNI_COMMAND", "VERSION");
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final String SUPPORTED = "\"supportedVersions\"";

    @TempDir
    private Path directory;

    @BeforeEach
    void theDistributionIsThere() {
        Dist.needed();
    }

    @Test
    void doctorNamesTheJarOfAnAdapter() throws IOException {
        Path conf = Files.createDirectory(directory.resolve("net.d"));
        Path jars = AdapterJar.in(directory);

        Command.Result doctor = Command.of(
                        Dist.program("meshcni").toString(),
                        "doctor",
                        "--mounted-cni-net-dir=" + conf,
                        "--cni-bin-target-dir=" + Files.createDirectory(directory.resolve("bin")),
                        "--chain-adapter-dir=" + jars)
                .result();

        assertThat(doctor.out()).contains("  weave (weave.jar): declined, ");
    }

    @ParameterizedTest
    @CsvSource({"install-cni,--version", "meshcni,version"})
    void theAotCacheIsValidInACopyOfTheTree(String program, String argument) throws IOException {
        Path copy = copy("-a");
        Path launcher = requireCache(copy.resolve("bin").resolve(program));

        assertThat(Command.of(launcher.toString(), argument).result())
                .returns(0, Command.Result::exitCode)
                .satisfies(result -> assertThat(result.out()).isNotBlank());
    }

    @Test
    void theAotCachesStayValidInAnImageWhoseLayersHaveWholeSeconds() throws IOException {
        for (String part : List.of("runtime/lib", "lib", "cli")) {
            try (Stream<Path> files = Files.list(Dist.root().resolve(part))) {
                assertThat(files.filter(file -> file.getFileName().toString().matches("modules|.*\\.jar")))
                        .isNotEmpty()
                        .allSatisfy(file -> assertThat(
                                        Files.getLastModifiedTime(file).to(TimeUnit.NANOSECONDS) % SECOND)
                                .isZero());
            }
        }
    }

    @NeedsRoot("the daemon runs as root only")
    @Test
    void theDaemonsAotCacheStaysValidWithAnAdapterThatWasDroppedIn() throws IOException {
        Machine.needs("ip", "nsenter", "iptables");
        Path launcher = requireCache(copy("-a").resolve("bin/install-cni"));
        Path loads = directory.resolve("loads");
        Files.writeString(
                launcher,
                Files.readString(launcher, UTF_8)
                        .replace("-XX:AOTMode=on", "-XX:AOTMode=on -Xlog:class+load:file=" + loads),
                UTF_8);

        // The adapters are loaded before the run directory is made, which this can be nowhere: so the daemon ends.
        Command.Result ended = Command.of(
                        launcher.toString(),
                        "--pod-manifest-dir=" + directory,
                        "--chain-adapter-dir=" + AdapterJar.in(directory),
                        "--cni-agent-run-dir=/dev/null/run")
                .result();

        assertThat(ended.err()).contains("cannot use the run directory /dev/null/run");
        assertThat(Files.readString(loads, UTF_8))
                .contains("dev.meshcni.daemon.InstallCni source: shared objects file")
                .contains(AdapterJar.ADAPTER + " source: file:" + directory);
    }

    /** That is behind 32 GiB ({@code SharedBaseAddress}); at another address the JVM rewrites each page. */
    @Test
    void theDaemonsAotCacheIsMappedWhereItWasMade() throws IOException {
        Path launcher = copy("-a").resolve("bin/install-cni");
        Path log = directory.resolve("aot");
        Files.writeString(
                launcher,
                Files.readString(launcher, UTF_8).replace("-Xlog:disable", "-Xlog:disable -Xlog:aot=info:file=" + log),
                UTF_8);

        Command.of(launcher.toString(), "--version").run();

        assertThat(Files.readString(log, UTF_8))
                .containsPattern("region #0 at base 0x0*80000\\w{4} .*\\(ReadWrite\\)")
                .containsPattern("region #1 at base 0x0*80\\w{7} .*\\(ReadOnly\\)");
    }

    @ParameterizedTest
    @CsvSource({"install-cni,--version", "install-cni,--help", "meshcni,version", "meshcni,--help"})
    void whatAProgramSaysOfItselfIsAllThatItPrints(String program, String argument) {
        assertThat(Command.of(Dist.program(program).toString(), argument).result())
                .returns("", Command.Result::err)
                .satisfies(result -> assertThat(result.out()).isNotBlank());
    }

    @Test
    void kubectlFindsTheCommandLineUnderItsName() {
        assertThat(Command.of(Dist.program("kubectl-meshcni").toString(), "status", "--help")
                        .run())
                .startsWith("Usage: kubectl meshcni status");
        assertThat(Command.of(Dist.program("kubectl_complete-meshcni").toString(), "stat")
                        .run())
                .isEqualTo("status\n:4\n");
    }

    @Test
    void hasManualPagesAndACompletionForEachShell() {
        Path share = Dist.root().resolve("share");

        assertThat(List.of(
                        "man/man1/meshcni.1",
                        "man/man1/meshcni-rules.1",
                        "man/man8/install-cni.8",
                        "bash-completion/completions/meshcni",
                        "zsh/meshcni",
                        "fish/vendor_completions.d/meshcni.fish"))
                .allSatisfy(file -> assertThat(share.resolve(file)).isNotEmptyFile());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "no cache at all"})
    void anAotCacheThatDoesNotFitCostsSpeedOnly(String content) throws IOException {
        Path copy = copy("-a");
        Files.writeString(copy.resolve("cli/meshcni.aot"), content, UTF_8);

        assertSilent(Command.of(copy.resolve("bin/meshcni").toString(), "version"));
    }

    @Test
    void aMissingAotCacheCostsSpeedOnly() throws IOException {
        Path copy = copy("-a");
        Files.delete(copy.resolve("cli/meshcni.aot"));

        assertSilent(Command.of(copy.resolve("bin/meshcni").toString(), "version"));
    }

    @Test
    void thePluginIsFoundThroughSymbolicLinksAndCaresForNoEnvironment() throws IOException {
        Path bin = Files.createDirectories(directory.resolve("opt/cni/bin"));
        Path absolute = Files.createSymbolicLink(directory.resolve("absolute"), Dist.program("istio-cni"));
        Files.createSymbolicLink(bin.resolve("istio-cni"), bin.relativize(absolute));

        assertSilentVersion(Command.of(bin.resolve("istio-cni").toString()).onlyEnvironment(VERSION));
    }

    @Test
    void thePluginLeavesNothingInTheDirectoryItIsStartedIn() throws IOException {
        assertSilentVersion(Command.of(
                        "/bin/sh",
                        "-c",
                        "cd \"$0\" && exec \"$1\"",
                        directory.toString(),
                        Dist.program("istio-cni").toString())
                .onlyEnvironment(VERSION));

        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left).isEmpty();
        }
    }

    private static void assertSilentVersion(Command command) {
        Command.Result result = command.result();
        assertThat(result.err()).isEmpty();
        assertThat(result.out()).contains(SUPPORTED);
        assertThat(result.exitCode()).isZero();
    }

    private static void assertSilent(Command command) {
        Command.Result result = command.result();
        assertThat(result.err()).isEmpty();
        assertThat(result.out()).isNotBlank();
        assertThat(result.exitCode()).isZero();
    }

    private Path copy(String how) {
        Path copy = directory.resolve("copied to another place");
        Command.of("cp", how, Dist.root().toString(), copy.toString()).run();
        return copy;
    }

    /** Makes a launcher's JVM refuse to start without its cache. */
    private static Path requireCache(Path launcher) throws IOException {
        String script = Files.readString(launcher, UTF_8);
        assertThat(script).contains(" -Xlog:disable");
        Files.writeString(launcher, script.replace(" -Xlog:disable", " -XX:AOTMode=on"), UTF_8);
        return launcher;
    }
}
