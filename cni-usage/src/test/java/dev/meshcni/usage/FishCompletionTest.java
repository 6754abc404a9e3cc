// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.usage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FishCompletionTest {
    private static final String SCRIPT = FishCompletion.of("sample", Sample.commandLine());

    @TempDir
    private Path directory;

    @Test
    void commandsAndOptionsHaveALineEach() {
        assertThat(SCRIPT.lines())
                .contains(
                        "complete --command sample --no-files",
                        "complete --command sample --condition __fish_use_subcommand --arguments 'show'"
                                + " --description 'Show a thing'",
                        "complete --command sample --condition '__fish_seen_subcommand_from show' --short-option o"
                                + " --long-option output --exclusive --arguments 'text json' --description 'text,"
                                + " json'",
                        "complete --command sample --condition '__fish_seen_subcommand_from show' --short-option f"
                                + " --long-option filename --require-parameter --force-files --description 'The"
                                + " thing\\'s file; it\\'s read'",
                        "complete --command sample --condition '__fish_seen_subcommand_from show' --long-option"
                                + " verbose --description 'Say more'");
    }

    @Test
    void whatIsHiddenIsNotCompleted() {
        assertThat(SCRIPT).doesNotContain("secret", "internal");
    }

    @ParameterizedTest
    @CsvSource({"sample sh, show", "sample show --ver, --verbose", "sample show --output j, json"})
    void fishCompletes(String line, String expected) throws Exception {
        assumeTrue(hasFish(), "needs fish");
        Path script = Files.writeString(directory.resolve("sample.fish"), SCRIPT);
        Process fish = new ProcessBuilder(
                        "fish",
                        "--no-config",
                        "--command",
                        "source " + script + "; complete --do-complete '" + line + "'")
                .redirectErrorStream(true)
                .start();
        fish.getOutputStream().close();
        String out = new String(fish.getInputStream().readAllBytes(), UTF_8);

        assertThat(fish.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(out.lines().map(found -> found.replaceFirst("\t.*", ""))).containsExactly(expected);
    }

    private static boolean hasFish() {
        return Stream.of(System.getenv("PATH").split(":", -1)).anyMatch(path -> Files.exists(Path.of(path, "fish")));
    }
}
