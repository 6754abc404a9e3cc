package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.RedirectException;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
        String large = "0123456789abcdef".repeat(200_000);

        assertThat(shell("cat", large).stdout()).isEqualTo(large);
    }

    @Test
    void theEnvironmentIsJustWhatIsGiven() {
        assertThat(ChildProcess.run(Path.of("/usr/bin/env"), List.of(), List.of("A=1", "B=ü"), "", BOUND)
                        .stdout())
                .isEqualTo("A=1\nB=ü\n");
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
                .hasMessage("/bin/sleep did not end within 200 ms and was killed");
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
        return ChildProcess.run(SHELL, List.of("-c", command), List.of("PATH=/usr/bin:/bin"), input, BOUND);
    }
}
