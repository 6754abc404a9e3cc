// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LegacyIptablesTest {
    @TempDir
    private Path run;

    @Test
    void theLockIsThatOfTheHost() throws IOException {
        Path lock = run.resolve("xtables.lock");

        assertThat(LegacyIptables.environment(lock)).contains("XTABLES_LOCKFILE=" + lock);
        Files.createFile(lock);
        assertThat(LegacyIptables.environment(lock)).contains("XTABLES_LOCKFILE=" + lock);
    }

    @Test
    void whereThereIsNoneAndNoneCanBeMadeItIsTheProgramsInput() {
        assertThat(LegacyIptables.environment(run.resolve("none/xtables.lock")))
                .contains("XTABLES_LOCKFILE=/proc/self/fd/0");
    }
}
