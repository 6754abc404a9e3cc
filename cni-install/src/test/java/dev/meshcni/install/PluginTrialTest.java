// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.host.linux.HostProgram;
import dev.meshcni.testkit.Mounts;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Hosts that do not run the plugin, tried with real programs and a real mount namespace. */
@Timeout(120)
class PluginTrialTest {
    private static final Path LAUNCHER = Path.of(PluginTree.LINK);

    @TempDir
    private Path root;

    private TestNode node;
    private Map<String, String> confBefore;

    /** A program that a runtime cannot use as a plugin. */
    enum Program {
        WITHOUT_LOADER("its interpreter or dynamic linker does not exist on the host") {
            @Override
            byte[] bytes() {
                return "#!/no/such/shell\n".getBytes(UTF_8);
            }
        },
        OF_ANOTHER_ARCHITECTURE("not an executable for this architecture") {
            @Override
            byte[] bytes() throws IOException {
                byte[] program = Files.readAllBytes(Path.of("/bin/cat"));
                // e_machine of ELF's header (elf(5)): SPARC V9
                program[18] = 43;
                program[19] = 0;
                return program;
            }
        },
        THAT_FAILS("exit code 3: broken") {
            @Override
            byte[] bytes() {
                return "#!/bin/sh\necho broken; exit 3\n".getBytes(UTF_8);
            }
        },
        THAT_IS_KILLED("signal 9") {
            @Override
            byte[] bytes() {
                return "#!/bin/sh\nkill -9 $$\n".getBytes(UTF_8);
            }
        },
        THAT_ANSWERS_SOMETHING_ELSE("unexpected answer to VERSION: hello") {
            @Override
            byte[] bytes() {
                return "#!/bin/sh\nprintf 'hello\\033[2J'\n".getBytes(UTF_8);
            }
        };

        private final String reason;

        Program(String reason) {
            this.reason = reason;
        }

        abstract byte[] bytes() throws IOException;
    }

    @BeforeEach
    void makeNode() throws IOException {
        node = TestInstallers.node(root, "ptp");
        confBefore = node.conf();
    }

    @ParameterizedTest
    @EnumSource
    void aProgramThatTheHostDoesNotRunLeavesTheNodeAsItWas(Program program) throws Exception {
        node.plugin(program.bytes());
        Installer installer = TestInstallers.of(node);

        InstallState state = installer.round();

        assertThat(state).isInstanceOf(InstallState.Failed.class);
        assertThat(state.notReady().orElseThrow())
                .contains("the plugin in " + node.binDir() + " does not work on this host", program.reason)
                .doesNotContainPattern("\\p{Cntrl}");
        assertThat(state.canRedirect()).isFalse();
        assertThat(node.conf()).isEqualTo(confBefore);
        assertThat(node.binDir()).isEmptyDirectory();
    }

    @ParameterizedTest
    @EnumSource
    void anUpgradeToAProgramThatTheHostDoesNotRunKeepsTheOneThatItRuns(Program program) throws Exception {
        TestInstallers.of(node).round();
        Map<String, String> confInstalled = node.conf();
        Map<String, String> pluginInstalled = TestNode.contents(node.binDir());
        node.plugin(program.bytes());

        InstallState state = TestInstallers.of(node).takeOver();

        assertThat(state.notReady().orElseThrow()).contains(program.reason);
        assertThat(node.conf()).isEqualTo(confInstalled).isNotEqualTo(confBefore);
        assertThat(TestNode.contents(node.binDir())).isEqualTo(pluginInstalled);
    }

    @NeedsRoot("makes a mount namespace")
    @Test
    void aHostThatMountsTheDirectoryNoexecIsLeftAsItWas() throws Exception {
        try (Mounts mounts = Mounts.create()) {
            mounts.forbidExecution(node.binDir());

            InstallState state =
                    TestInstallers.of(node, HostProgram.in(mounts.namespace())).round();

            assertThat(state.notReady().orElseThrow()).contains("mounted noexec", "mount it without noexec");
            assertThat(node.conf()).isEqualTo(confBefore);
            assertThat(node.binDir()).isEmptyDirectory();
        }
    }

    @NeedsRoot("makes a mount namespace")
    @Test
    void anEntryWhosePluginStopsWorkingIsTakenOutUntilItWorksAgain() throws Exception {
        try (Mounts mounts = Mounts.create()) {
            HostProgram host = HostProgram.in(mounts.namespace());
            assertThat(TestInstallers.of(node, host).round()).isInstanceOf(InstallState.Installed.class);
            Map<String, String> confInstalled = node.conf();
            mounts.forbidExecution(node.binDir());
            Installer next = TestInstallers.of(node, host);

            InstallState state = next.takeOver();

            assertThat(state.notReady().orElseThrow()).contains("mounted noexec");
            assertThat(state.canRedirect()).isFalse();
            assertThat(node.conf().get("10-ptp.conflist")).doesNotContain("istio-cni");

            mounts.allowExecution(node.binDir());

            assertThat(next.round()).isInstanceOf(InstallState.Installed.class);
            assertThat(node.conf()).isEqualTo(confInstalled);
        }
    }

    @Test
    void whatMayBeTheMachinesStateOfTheMomentHasToHappenSeveralTimes() throws Exception {
        Path mark = root.resolve("killed");
        node.plugin(("#!/bin/sh\n[ -e " + mark + " ] && kill -9 $$\n"
                        + "echo '{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"1.0.0\"]}'\n")
                .getBytes(UTF_8));
        TestInstallers.of(node).round();
        Map<String, String> confInstalled = node.conf();
        Files.createFile(mark);
        Installer installer = TestInstallers.of(node);
        installer.claim();

        for (int trial = 1; trial <= 2; trial++) {
            assertThat(installer.round().notReady().orElseThrow()).contains("signal 9");
            assertThat(node.conf()).as("after trial %s", trial).isEqualTo(confInstalled);
        }
        assertThat(installer.round().notReady().orElseThrow()).contains("signal 9");
        assertThat(node.conf().get("10-ptp.conflist")).doesNotContain("istio-cni");

        Files.delete(mark);
        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);
        assertThat(node.conf()).isEqualTo(confInstalled);
    }

    @Test
    void whereTheHostCannotBeEnteredThePluginIsInstalledUntried() throws Exception {
        Installer installer = TestInstallers.of(node, HostProgram.in(root.resolve("no/ns/mnt")));

        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);
    }

    @Test
    void aPluginThatWorkedIsTriedAgainAfterAWhile() throws Exception {
        TestInstallers.of(node).round();
        AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);
        PluginTrial trial = new PluginTrial(HostProgram.inOwnMounts(), node.binDir(), node.binDir(), now::get);
        assertThat(trial.recent(LAUNCHER)).isInstanceOf(PluginTrial.Verdict.Works.class);
        byte[] broken = "#!/no/such/shell\n".getBytes(UTF_8);
        Files.write(node.link(), broken);

        now.addAndGet(PluginTrial.VALID.minus(Duration.ofSeconds(1)).toNanos());
        assertThat(trial.recent(LAUNCHER)).isInstanceOf(PluginTrial.Verdict.Works.class);
        now.addAndGet(Duration.ofSeconds(1).toNanos());
        assertThat(trial.recent(LAUNCHER)).isInstanceOf(PluginTrial.Verdict.Broken.class);
    }
}
