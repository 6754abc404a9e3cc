// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.telemetry.AgentMetrics;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.TestNode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the daemon tells an operator about the configuration that it installs into. */
class FindingsLogTest {
    private static final String BROKEN = "00-broken.conflist";

    @TempDir
    private Path root;

    private CapturedLog log;
    private TestNode node;
    private Installer installer;

    @BeforeEach
    void install() throws Exception {
        log = CapturedLog.of(FindingsLog.class);
        node = TestInstallers.node(root, "invalid-first");
        installer = TestInstallers.of(
                node,
                new DiskSteps(),
                InstallSettings.chainedInto(TestInstallers.entry()),
                RewriteBackoff.Limits.DEFAULT,
                InstallEvents.countedBy(new AgentMetrics(() -> 0, () -> 0, () -> 0L), () -> {}));
        installer.round();
    }

    @AfterEach
    void release() {
        log.close();
    }

    @Test
    void aFileThatKeepsPodsFromStartingIsAnErrorWithItsRemedy() {
        assertThat(log.lines())
                .singleElement()
                .asString()
                .startsWith("ERROR " + BROKEN + " cannot be loaded")
                .endsWith("remedy: correct or remove " + BROKEN);
    }

    @Test
    void whatIsKnownIsNotToldAgain() throws Exception {
        installer.round();
        Files.delete(node.link());
        installer.round();

        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void whatChangesIsTold() throws Exception {
        Files.delete(node.confDir().resolve(BROKEN));
        installer.round();
        node.conf("10-ptp.conflist", node.conf().get("10-ptp.conflist").replace("ptp-net", "a b"));
        installer.round();

        assertThat(log.lines()).hasSize(3);
        assertThat(log.lines().get(1)).startsWith("INFO resolved: " + BROKEN);
        assertThat(log.lines().get(2)).startsWith("ERROR 10-ptp.conflist has the network name");
    }
}
