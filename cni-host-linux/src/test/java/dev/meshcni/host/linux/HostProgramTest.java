// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.host.linux.ProgramOutcome.Refusal;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Programs in another mount namespace, which a process of the test keeps. */
@Timeout(60)
@NeedsRoot("makes mount namespaces")
class HostProgramTest {
    private static final Duration DEADLINE = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(200);

    @TempDir
    private Path root;

    @Test
    void aProgramGetsItsEnvironmentAndInputAndNothingElse() throws Exception {
        Path program = script(
                "#!/bin/sh\n/usr/bin/env; /bin/cat; pwd; ls /proc/self/fd | tr '\\n' ' '; echo trouble >&2; exit 3\n");

        ProgramOutcome outcome = HostProgram.inOwnMounts()
                .run(new ProgramCall(program, Optional.empty(), Map.of("CNI_COMMAND", "VERSION"), "{}\n", DEADLINE));

        assertThat(outcome).isInstanceOfSatisfying(ProgramOutcome.Ended.class, ended -> {
            assertThat(ended.exitCode()).isEqualTo(3);
            assertThat(ended.output())
                    .contains("CNI_COMMAND=VERSION\n", "{}\n/\n")
                    .doesNotContain("JAVA", "HOME=")
                    .endsWith("0 1 2 3 ");
            assertThat(ended.errors()).isEqualTo("trouble\n");
        });
    }

    @Test
    void aProgramThatHasEndedDoesNotHoldUpTheNextOne() throws Exception {
        Path program = script("#!/bin/sh\nexit 0\n");
        HostProgram host = HostProgram.inOwnMounts();

        for (int i = 0; i < 200; i++) {
            assertThat(host.run(new ProgramCall(program, Optional.empty(), Map.of(), "", DEADLINE)))
                    .isInstanceOf(ProgramOutcome.Ended.class);
        }
    }

    @Test
    void aProgramIsFoundWhereTheOtherNamespaceHasIt() throws Exception {
        Path program = script("#!/bin/sh\necho mine\n");
        try (Mounts mounts = Mounts.create()) {
            mounts.run("mount -t tmpfs tmpfs " + root + " && printf '#!/bin/sh\\necho theirs\\n' > " + program
                    + " && chmod 755 " + program);

            assertThat(output(HostProgram.in(mounts.namespace()), program)).isEqualTo("theirs\n");
            assertThat(output(HostProgram.inOwnMounts(), program)).isEqualTo("mine\n");
        }
    }

    @Test
    void aFileThatIsNotTheOneThatWasMeantIsNotStarted() throws Exception {
        Path program = script("#!/bin/sh\necho mine\n");
        Object meant = Files.readAttributes(program, BasicFileAttributes.class).fileKey();
        try (Mounts mounts = Mounts.create()) {
            mounts.run("mount -t tmpfs tmpfs " + root + " && printf '#!/bin/sh\\necho theirs\\n' > " + program
                    + " && chmod 755 " + program);

            ProgramOutcome outcome = HostProgram.in(mounts.namespace())
                    .run(new ProgramCall(program, Optional.of(meant), Map.of(), "", DEADLINE));

            assertRefused(outcome, Refusal.ANOTHER_FILE);
        }
    }

    @Test
    void aNoexecMountIsNamed() throws Exception {
        Path program = script("#!/bin/sh\necho mine\n");
        try (Mounts mounts = Mounts.create()) {
            mounts.run("mount -t tmpfs -o noexec tmpfs " + root + " && printf '#!/bin/sh\\necho theirs\\n' > " + program
                    + " && chmod 755 " + program);

            assertRefused(run(HostProgram.in(mounts.namespace()), program, DEADLINE), Refusal.NOEXEC);
        }
    }

    @Test
    void aMissingInterpreterIsTheLoaders() throws Exception {
        assertRefused(run(HostProgram.inOwnMounts(), script("#!/no/such/shell\n"), DEADLINE), Refusal.NO_LOADER);
    }

    @Test
    void aMissingLoaderOfElfIsTheLoaders() throws Exception {
        byte[] program = Files.readAllBytes(Path.of("/bin/cat"));
        String text = new String(program, ISO_8859_1);
        int loader = text.indexOf("/lib64/ld-linux");
        loader = loader < 0 ? text.indexOf("/lib/ld-") : loader;
        assumeTrue(loader > 0, "cat is linked statically here");
        program[loader + 1] = 'X';
        Path file = Files.write(root.resolve("program"), program);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));

        assertRefused(run(HostProgram.inOwnMounts(), file, DEADLINE), Refusal.NO_LOADER);
    }

    @Test
    void aForeignArchitectureIsNotHandedToAShell() throws Exception {
        byte[] program = Files.readAllBytes(Path.of("/bin/cat"));
        // e_machine of ELF's header (elf(5)): SPARC V9
        program[18] = 43;
        program[19] = 0;
        Path file = Files.write(root.resolve("program"), program);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));

        assertRefused(run(HostProgram.inOwnMounts(), file, DEADLINE), Refusal.FOREIGN);
        assertRefused(run(HostProgram.inOwnMounts(), script("echo no format at all\n"), DEADLINE), Refusal.FOREIGN);
    }

    @Test
    void aFileThatMayNotBeStartedAndOneThatIsNotThereAreToldApart() throws Exception {
        Path program = script("#!/bin/sh\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rw-r--r--"));

        assertRefused(run(HostProgram.inOwnMounts(), program, DEADLINE), Refusal.NOT_PERMITTED);
        assertRefused(run(HostProgram.inOwnMounts(), root.resolve("none"), DEADLINE), Refusal.MISSING);
    }

    @Test
    void whatHangsIsKilledWithAllThatItHasStarted() throws Exception {
        Path mark = root.resolve("mark");
        Path program = script("#!/bin/sh\n(sleep 2; echo survived > " + mark + ") &\nsleep 30\n");
        HostProgram host = HostProgram.inOwnMounts();

        assertThat(run(host, program, SHORT)).isEqualTo(new ProgramOutcome.Late(SHORT, false));

        Thread.sleep(2500);
        assertThat(mark).doesNotExist();
        assertThat(output(host, script("#!/bin/sh\necho next\n"))).isEqualTo("next\n");
    }

    @Test
    void endlessOutputEndsAtTheDeadlineAndIsNotKept() throws Exception {
        assertThat(run(HostProgram.inOwnMounts(), script("#!/bin/sh\nexec yes\n"), Duration.ofSeconds(1)))
                .isEqualTo(new ProgramOutcome.Late(Duration.ofSeconds(1), false));
    }

    @Test
    void aSignalIsNamed() throws Exception {
        assertThat(run(HostProgram.inOwnMounts(), script("#!/bin/sh\nkill -SEGV $$\n"), DEADLINE))
                .isEqualTo(new ProgramOutcome.Signalled(11));
    }

    @Test
    void aNamespaceThatCannotBeEnteredIsNamed() throws Exception {
        Path program = script("#!/bin/sh\n");

        assertThat(run(HostProgram.in(root.resolve("mnt")), program, DEADLINE))
                .isInstanceOfSatisfying(
                        ProgramOutcome.NotEntered.class,
                        outcome -> assertThat(outcome.reason()).contains(root.resolve("mnt") + ": No such file"));
        assertThat(run(HostProgram.in(Path.of("/proc/self/ns/uts")), program, DEADLINE))
                .isInstanceOfSatisfying(
                        ProgramOutcome.NotEntered.class,
                        outcome -> assertThat(outcome.reason()).contains("setns(/proc/self/ns/uts): Invalid argument"));
    }

    @Test
    void whoWaitsIsLetGoWhenItIsClosed() throws Exception {
        Path program = script("#!/bin/sh\nsleep 30\n");
        HostProgram host = HostProgram.inOwnMounts();
        CompletableFuture<ProgramOutcome> waiting =
                CompletableFuture.supplyAsync(() -> run(host, program, Duration.ofSeconds(30)));
        Thread.sleep(300);

        host.close();

        assertThat(waiting.get(2, TimeUnit.SECONDS)).isEqualTo(new ProgramOutcome.Cancelled());
    }

    private static void assertRefused(ProgramOutcome outcome, Refusal refusal) {
        assertThat(outcome)
                .isInstanceOfSatisfying(
                        ProgramOutcome.Refused.class,
                        refused -> assertThat(refused.refusal())
                                .as(refused.detail())
                                .isEqualTo(refusal));
    }

    private static String output(HostProgram host, Path program) {
        ProgramOutcome outcome = run(host, program, DEADLINE);
        assertThat(outcome).isInstanceOf(ProgramOutcome.Ended.class);
        return ((ProgramOutcome.Ended) outcome).output();
    }

    private static ProgramOutcome run(HostProgram host, Path program, Duration deadline) {
        return host.run(new ProgramCall(program, Optional.empty(), Map.of(), "", deadline));
    }

    private Path script(String text) throws IOException {
        Path file = Files.writeString(root.resolve("program"), text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return file;
    }

    /** A mount namespace that lives as long as a process. */
    private record Mounts(Process keeper) implements AutoCloseable {
        static Mounts create() throws IOException {
            Process keeper = new ProcessBuilder(
                            "unshare", "--mount", "--propagation", "private", "sh", "-c", "echo kept; exec sleep 60")
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            assertThat(keeper.inputReader().readLine()).isEqualTo("kept");
            return new Mounts(keeper);
        }

        Path namespace() {
            return Path.of("/proc/" + keeper.pid() + "/ns/mnt");
        }

        void run(String commands) throws Exception {
            Process process = new ProcessBuilder("nsenter", "--mount=" + namespace(), "--", "sh", "-ec", commands)
                    .inheritIO()
                    .start();
            assertThat(process.waitFor()).isZero();
        }

        @Override
        public void close() {
            keeper.destroyForcibly();
        }
    }
}
