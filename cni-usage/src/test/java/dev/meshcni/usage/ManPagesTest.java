// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.usage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManPagesTest {
    @TempDir
    private Path directory;

    @BeforeEach
    void write() throws IOException {
        new ManPages(Sample.commandLine(), 1, "1.2.3").write(directory);
    }

    @Test
    void everyCommandThatIsNotHiddenHasAPage() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("man1"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("sample.1", "sample-show.1");
        }
    }

    @Test
    void aPageHasWhatTheHelpHas() throws IOException {
        assertThat(Files.readString(directory.resolve("man1/sample-show.1")))
                .startsWith(".TH SAMPLE\\-SHOW 1 \"\" \"mesh\\-cni 1.2.3\"")
                .contains(
                        ".SH NAME\nsample\\-show \\- show a thing\n",
                        "\\fB\\-o\\fR, \\fB\\-\\-output\\fR=\\fIFORMAT\\fR\ntext, json. Default: text.\n",
                        ".TP\n\\fITHING\\fR\nThe thing.\n",
                        "\n\\&.dots and 'quotes'",
                        ".TP\n1\n100 % failed\n",
                        ".SH EXAMPLES\n.PP\n.nf\nsample show \\-f a.yaml\n.fi\n",
                        ".SH SEE ALSO\n.BR sample (1)\n")
                .doesNotContain("secret");
        assertThat(Files.readString(directory.resolve("man1/sample.1")))
                .contains(".TP\n\\fBsample\\-show\\fR(1)\nShow a thing. Changes nothing.\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sample.1", "sample-show.1"})
    void groffHasNoComplaint(String page) throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/bin/groff")), "needs groff");
        Process groff = new ProcessBuilder(
                        "groff",
                        "-man",
                        "-ww",
                        "-Tutf8",
                        "-z",
                        directory.resolve("man1").resolve(page).toString())
                .redirectErrorStream(true)
                .start();
        String complaints = new String(groff.getInputStream().readAllBytes(), UTF_8);

        assertThat(groff.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(complaints).isEmpty();
    }
}
