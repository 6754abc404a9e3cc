// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files that the pages about adapters show before and after installation are what comes out. */
class AdapterPagesTest {
    private static final Path DIR = Path.of("/etc/cni/net.d");
    private static final Path PAGES = Path.of("../docs/adapters");
    private static final Pattern FILE =
            Pattern.compile("`([^`]+)` (before|after):\n\n```json\n(.*?)```", Pattern.DOTALL);

    @ParameterizedTest
    @ValueSource(strings = {"ptp.md", "calico.md", "generic.md"})
    void theFilesOfAPageAreWhatComesOut(String page) throws IOException {
        List<MatchResult> files =
                FILE.matcher(Files.readString(PAGES.resolve(page))).results().toList();
        assertThat(files).extracting(file -> file.group(2)).containsExactly("before", "after");
        Map<String, String> before = content(files.getFirst());
        Map<String, String> after = content(files.getLast());
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, before);
        InstallSettings settings = InstallSettings.chainedInto(entry(after));

        // The daemon puts the adapter's name into the entry, so that the agent knows who checks prevResult.
        assertThat(settings.entry().path("chain_adapter").asText() + ".md").isEqualTo(page);

        ConfDirSnapshot installed = dir.after(edits(ChainedConf.install(dir, settings)));
        assertThat(texts(installed)).isEqualTo(after);

        assertThat(texts(installed.after(ChainedConf.uninstall(installed, settings))))
                .isEqualTo(before);
    }

    private static Map<String, String> content(MatchResult file) {
        return Map.of(file.group(1), file.group(3));
    }

    private static ObjectNode entry(Map<String, String> after) {
        return ConfDirSnapshot.of(DIR, after)
                .primary()
                .orElseThrow()
                .list()
                .plugins()
                .getLast()
                .json();
    }

    private static List<FileEdit> edits(InstallPlan plan) {
        assertThat(plan).isInstanceOf(InstallPlan.Edits.class);
        return new ArrayList<>(((InstallPlan.Edits) plan).edits());
    }

    private static Map<String, String> texts(ConfDirSnapshot dir) {
        ConfFile.Valid file = dir.primary().orElseThrow();
        assertThat(dir.files()).hasSize(1);
        return Map.of(file.name(), file.list().text());
    }
}
