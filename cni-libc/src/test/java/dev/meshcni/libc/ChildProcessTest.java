// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ChildProcessTest {
    private static final Path SHELL = Path.of("/bin/sh");
    private static final Duration BOUND = Duration.ofSeconds(10);

    @Test
    void outputErrorsAndStatusArrive() {
        assertThat(shell("cat; echo wrong >&2; exit 3", "some input\n"))
                .isEqualTo(new ChildProcess.Output(3, "some input\n", "wrong"));
    }

    @Test
    void largeInputAndOutputDoNotBlock() {
        String large = "0123456789abcdef".repeat(ChildProcess.MAX_OUTPUT / 16);

        assertThat(shell("cat", large).stdout()).isEqualTo(large);
    }

    @Test
    void aProgramThatPrintsWithoutEndIsKilled() {
        assertThatThrownBy(() -> shell("cat /dev/zero", ""))
                .isInstanceOf(ChildProcess.ExcessException.class)
                .hasMessage("/bin/sh printed more than 2 MiB and was killed");
        assertThatThrownBy(() -> shell("exec cat /dev/zero >&2", "", Duration.ofMillis(200)))
                .isInstanceOf(ChildProcess.ExcessException.class)
                .hasMessage("/bin/sh did not finish within 200 ms and was killed");
        assertThat(ProcessHandle.current().children()).isEmpty();
    }

    @Test
    void theBeginningOfManyMessagesIsKept() {
        assertThat(shell("yes | head -c 1000000 >&2; echo done", ""))
                .isEqualTo(new ChildProcess.Output(
                        0, "done\n", "y\n".repeat(ChildProcess.MAX_MESSAGES / 2).strip()));
    }

    @Test
    void eachByteIsOneCharacterBothWays() {
        String all = IntStream.range(0, 256).mapToObj(Character::toString).collect(Collectors.joining());

        assertThat(shell("cat", all).stdout()).isEqualTo(all);
    }

    @Test
    void aProgramThatTakesAllMemoryFailsAlone() {
        // The limit is set when the program has been started already.
        assertThat(shell("sleep 1; exec dd if=/dev/zero of=/dev/null bs=1G count=1", "")
                        .status())
                .isEqualTo(1);
    }

    @Test
    void aChildThatAProgramLeavesBehindIsNotWaitedFor() {
        assertThat(shell("sleep 30 & echo $!", "").stdout())
                .satisfies(pid -> assertThat(ProcessHandle.of(Long.parseLong(pid.strip())))
                        .hasValueSatisfying(ProcessHandle::destroyForcibly));
    }

    @Test
    void onlyFewHoldLargeOutputAtOnceAndNobodyWaitsForThemWithLittle() throws Exception {
        Deadline deadline = Deadline.after(BOUND);
        OutputBudget second = new OutputBudget(deadline);
        try (second;
                OutputBudget first = new OutputBudget(deadline)) {
            first.take();
            second.take();
            String large = "x".repeat(OutputBudget.FREE + 1);
            Deadline soon = Deadline.after(Duration.ofMillis(300));

            assertThat(ChildProcess.within(soon, () -> shell("echo little", "")).stdout())
                    .isEqualTo("little\n");
            assertThatThrownBy(() -> ChildProcess.within(soon, () -> shell("cat", large)))
                    .isExactlyInstanceOf(RedirectException.class)
                    .hasMessage("timeout waiting to read large tables: other pods' tables are being read");
            second.close();
            assertThat(ChildProcess.within(deadline, () -> shell("cat", large)).stdout())
                    .isEqualTo(large);
        }
    }

    @Test
    void theEnvironmentIsJustWhatIsGiven() {
        assertThat(ChildProcess.run(Path.of("/usr/bin/env"), List.of(), List.of("A=1", "B=2 3"), "", BOUND)
                        .stdout())
                .isEqualTo("A=1\nB=2 3\n");
    }

    @Test
    void aProgramThatDiesOfASignalHasTheStatusOfAShell() {
        assertThat(shell("kill -9 $$", "").status()).isEqualTo(137);
    }

    @Test
    void aProgramThatHangsIsKilledAndReaped() {
        Duration bound = Duration.ofMillis(200);

        assertThatThrownBy(() -> ChildProcess.run(Path.of("/bin/sleep"), List.of("60"), List.of(), "", bound))
                .isInstanceOf(RedirectException.class)
                .hasMessage("/bin/sleep did not finish within 200 ms and was killed");
        assertThat(ProcessHandle.current()
                        .children()
                        .map(child -> child.info().commandLine().orElse("")))
                .noneMatch(command -> command.contains("sleep"));
    }

    @Test
    void aProgramThatIsMissingIsNamed() {
        assertThatThrownBy(() -> ChildProcess.run(Path.of("/no/such/program"), List.of(), List.of(), "", BOUND))
                .isInstanceOf(RedirectException.class)
                .hasMessage("starting /no/such/program: No such file or directory");
    }

    @Test
    void socketsOfThisProcessAreNotInherited() throws IOException {
        try (ServerSocket open = new ServerSocket(0)) {
            assertThat(open.isBound()).isTrue();
            assertThat(shell("ls /proc/self/fd", "").stdout().lines()).containsExactly("0", "1", "2", "3");
        }
    }

    private static ChildProcess.Output shell(String command, String input) {
        return shell(command, input, BOUND);
    }

    private static ChildProcess.Output shell(String command, String input, Duration bound) {
        return ChildProcess.run(SHELL, List.of("-c", command), List.of("PATH=/usr/bin:/bin"), input, bound);
    }
}
