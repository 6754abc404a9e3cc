// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** {@code ./dev demo}, the first command of a newcomer, as it is on the pages. */
@NeedsRoot("makes network namespaces")
@Slow
class DemoTest {
    private static final int COLUMNS = 100;
    private static final Pattern SHOWN = Pattern.compile("```text\n(3\\. Traffic.*?)```", Pattern.DOTALL);

    @Test
    void itProvesWhatThePagesShowAndFitsATerminal() throws IOException {
        Machine.needs("ip", "nsenter", "iptables");
        Dist.needed();

        Command.Result demo =
                Command.of(Dist.program("meshcni").toString(), "demo").result();

        assertThat(demo.exitCode()).as(demo.out() + demo.err()).isZero();
        assertThat(demo.out())
                .contains("namespaces, processes and files -> nothing")
                .doesNotContain("FAIL");
        assertThat(demo.out().lines()).allMatch(line -> line.length() <= COLUMNS);
        for (String page : List.of("README.md", "docs/try.md")) {
            assertThat(demo.out()).as(page).contains(shown(page));
        }
    }

    private static String shown(String page) throws IOException {
        return SHOWN.matcher(Files.readString(Path.of("..").resolve(page)))
                .results()
                .findFirst()
                .orElseThrow()
                .group(1);
    }
}
