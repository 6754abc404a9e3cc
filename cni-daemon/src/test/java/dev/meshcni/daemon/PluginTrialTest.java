package dev.meshcni.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.api.spi.Finding;
import dev.meshcni.host.linux.HostProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
        WITHOUT_LOADER("what has to load it is not on the host") {
            @Override
            byte[] bytes() {
                return "#!/no/such/shell\n".getBytes(UTF_8);
            }
        },
        OF_ANOTHER_ARCHITECTURE("no program of this architecture") {
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
        THAT_ANSWERS_SOMETHING_ELSE("it answers VERSION with hello") {
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
        node = TestNode.with(root, "ptp");
        confBefore = node.conf();
    }

    @ParameterizedTest
    @EnumSource
    void aProgramThatTheHostDoesNotRunLeavesTheNodeAsItWas(Program program) throws Exception {
        node.plugin(program.bytes());
        Installer installer = node.installer();

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
        node.installer().round();
        Map<String, String> confInstalled = node.conf();
        Map<String, String> pluginInstalled = TestNode.contents(node.binDir());
        node.plugin(program.bytes());

        InstallState state = node.installer().takeOver();

        assertThat(state.notReady().orElseThrow()).contains(program.reason);
        assertThat(node.conf()).isEqualTo(confInstalled).isNotEqualTo(confBefore);
        assertThat(TestNode.contents(node.binDir())).isEqualTo(pluginInstalled);
    }

    @Test
    void aHostThatMountsTheDirectoryNoexecIsLeftAsItWas() throws Exception {
        try (Mounts mounts = Mounts.create()) {
            mounts.forbidExecution(node.binDir());

            InstallState state =
                    node.installer(HostProgram.in(mounts.namespace())).round();

            assertThat(state.notReady().orElseThrow()).contains("mounted noexec", "mount it without noexec");
            assertThat(node.conf()).isEqualTo(confBefore);
            assertThat(node.binDir()).isEmptyDirectory();
        }
    }

    @Test
    void anEntryWhosePluginStopsWorkingIsTakenOutUntilItWorksAgain() throws Exception {
        try (Mounts mounts = Mounts.create()) {
            HostProgram host = HostProgram.in(mounts.namespace());
            assertThat(node.installer(host).round()).isInstanceOf(InstallState.Installed.class);
            Map<String, String> confInstalled = node.conf();
            mounts.forbidExecution(node.binDir());
            Installer next = node.installer(host);

            assertThat(new NodeDoctor(next).examine().findings())
                    .filteredOn(finding -> finding.severity() == Finding.Severity.ERROR)
                    .anySatisfy(finding -> assertThat(finding.what()).contains("mounted noexec"));
            assertThat(node.conf()).as("doctor changes nothing").isEqualTo(confInstalled);

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
        node.installer().round();
        Map<String, String> confInstalled = node.conf();
        Files.createFile(mark);
        Installer installer = node.installer();
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
    void whereTheHostCannotBeEnteredThePluginIsInstalledUntriedAndDoctorSaysSo() throws Exception {
        Installer installer = node.installer(HostProgram.in(root.resolve("no/ns/mnt")));

        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);
        assertThat(new NodeDoctor(installer).examine().findings())
                .anySatisfy(finding -> assertThat(finding.what())
                        .contains("whether the host runs the plugin is not known", "SYS_CHROOT"));
    }

    @Test
    void aPluginThatWorkedIsTriedAgainAfterAWhile() throws Exception {
        node.installer().round();
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

    /** The host's mount namespace: it lives as long as a process. */
    private record Mounts(Process keeper) implements AutoCloseable {
        static Mounts create() throws IOException {
            assumeTrue("root".equals(System.getProperty("user.name")), "needs root: mount namespaces");
            Process keeper = new ProcessBuilder(
                            "unshare", "--mount", "--propagation", "private", "sh", "-c", "echo kept; exec sleep 120")
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            assertThat(keeper.inputReader().readLine()).isEqualTo("kept");
            return new Mounts(keeper);
        }

        Path namespace() {
            return Path.of("/proc/" + keeper.pid() + "/ns/mnt");
        }

        void forbidExecution(Path directory) throws Exception {
            run("mount", "--bind", directory.toString(), directory.toString());
            run("mount", "-o", "remount,bind,noexec", directory.toString());
        }

        void allowExecution(Path directory) throws Exception {
            run("umount", directory.toString());
        }

        private void run(String program, String... arguments) throws Exception {
            ProcessBuilder builder = new ProcessBuilder("nsenter", "--mount=" + namespace(), "--", program);
            builder.command().addAll(List.of(arguments));
            assertThat(builder.inheritIO().start().waitFor()).isZero();
        }

        @Override
        public void close() {
            keeper.destroyForcibly();
            keeper.onExit().join();
        }
    }
}
