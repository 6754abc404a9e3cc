// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What an installation makes of the configuration directories of base CNIs, as a real containerd loads it. Loading
 * needs no plugin of the list: containerd looks for them when a sandbox is run.
 */
@Slow
@NeedsRoot("makes network namespaces")
class InstalledConfsTest {
    /** The directories with which cni-install tests the installer. */
    private static final Path CONF_DIRS = Path.of("../cni-install/src/test/resources/confdirs")
            .toAbsolutePath()
            .normalize();

    private static final String BROKEN_FIRST = "invalid-first";

    private static Containerd containerd;

    @BeforeAll
    static void startRuntime() {
        Containerd.needed();
        Dist.needed();
        containerd = Containerd.start();
    }

    @AfterAll
    static void stopRuntime() {
        if (containerd != null) {
            containerd.close();
        }
    }

    @BeforeEach
    void emptyTheDirectory() throws IOException {
        for (Path file : filesIn(containerd.confDirectory())) {
            Files.delete(file);
        }
        Eventually.isTrue("the runtime has no network", () -> !networkReady());
    }

    static Stream<String> confDirs() throws IOException {
        return filesIn(CONF_DIRS).stream()
                .filter(Files::isDirectory)
                .map(directory -> directory.getFileName().toString())
                .filter(name -> !name.equals(BROKEN_FIRST))
                .sorted();
    }

    @ParameterizedTest
    @MethodSource("confDirs")
    void theRuntimeLoadsTheListThatOurPluginIsTheLastOf(String confDir) throws IOException {
        fill(confDir);

        Command.Result installed = meshcni("install");

        assertThat(installed.succeeded()).as(installed.err()).isTrue();
        NetworkConfigList primary =
                ConfDir.read(containerd.confDirectory()).primary().orElseThrow().list();
        List<String> types =
                primary.plugins().stream().map(NetworkConfigList.Plugin::type).toList();
        assertThat(types).endsWith("istio-cni").containsOnlyOnce("istio-cni");
        Eventually.isTrue(
                "the runtime has loaded " + primary.name() + " with the plugins " + types,
                () -> networkReady() && containerd.loaded(primary.name()).equals(types));
    }

    @Test
    void aBrokenFileInFrontIsReportedAndTheRuntimeIsReadyOnceItIsGone() throws IOException {
        fill(BROKEN_FIRST);
        Eventually.isTrue(
                "the runtime has stopped at the broken file",
                () -> containerd.cri().lastLoad().contains("00-broken.conflist"));

        Command.Result installed = meshcni("install");
        Command.Result doctor = meshcni("doctor");

        assertThat(installed.exitCode()).isEqualTo(1);
        assertThat(installed.out()).startsWith("10-ptp.conflist calls version ");
        assertThat(installed.err())
                .contains("00-broken.conflist", "containerd loads no network while this file exists");
        assertThat(doctor.exitCode()).isEqualTo(1);
        assertThat(doctor.out()).contains("00-broken.conflist", "containerd loads no network while this file exists");
        assertThat(networkReady()).isFalse();

        Files.delete(containerd.confDirectory().resolve("00-broken.conflist"));

        Eventually.isTrue(
                "the runtime has loaded the list behind the broken one",
                () -> networkReady() && containerd.loaded("ptp-net").equals(List.of("ptp", "istio-cni")));
    }

    private static Command.Result meshcni(String command) {
        return Command.of(
                        Dist.program("meshcni").toString(),
                        command,
                        "--mounted-cni-net-dir",
                        containerd.confDirectory().toString(),
                        "--cni-bin-target-dir",
                        containerd.pluginDirectory().toString(),
                        "--cni-agent-run-dir",
                        containerd.confDirectory().resolveSibling("run").toString(),
                        "--pod-namespace",
                        "istio-system")
                .result();
    }

    private static void fill(String confDir) throws IOException {
        for (Path file : filesIn(CONF_DIRS.resolve(confDir))) {
            Files.copy(file, containerd.confDirectory().resolve(file.getFileName()));
        }
    }

    private static boolean networkReady() {
        return !containerd.cri().unmetConditions().containsKey("NetworkReady");
    }

    private static List<Path> filesIn(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }
}
