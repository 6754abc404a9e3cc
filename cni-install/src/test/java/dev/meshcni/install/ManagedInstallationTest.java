// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.testkit.PassedOnSteps;
import dev.meshcni.install.ShutdownReason.Answer;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is left of an installation when its daemon ends. */
class ManagedInstallationTest {
    @TempDir
    private Path root;

    private TestNode node;
    private Map<String, String> before;

    @BeforeEach
    void makeNode() throws Exception {
        node = TestInstallers.node(root, "lone-conf");
        before = node.conf();
    }

    @Test
    void aRestartLeavesPluginAndConfiguration() throws Exception {
        try (ManagedInstallation installation = start(Answer.RESTART)) {
            eventually("installed", () -> installation.state().notReady().isEmpty());
        }

        assertThat(node.conf()).containsOnlyKeys("10-mynet.conflist");
        assertThat(node.link()).exists();
    }

    @Test
    void anUninstallationLeavesNothing() throws Exception {
        try (ManagedInstallation installation = start(Answer.UNINSTALL)) {
            eventually("installed", () -> installation.state().notReady().isEmpty());
        }

        assertThat(node.conf()).isEqualTo(before);
        assertThat(node.binDir()).isEmptyDirectory();
        assertThat(node.runDirectory()).doesNotExist();
    }

    @Test
    void anUninstallationSaysWhichPodsItLeavesAttached() throws Exception {
        try (CapturedLog log = CapturedLog.of(ManagedInstallation.class)) {
            try (ManagedInstallation installation = start(Answer.UNINSTALL)) {
                eventually("installed", () -> installation.state().notReady().isEmpty());
                Path records = Files.createDirectories(node.runDirectory().resolve(RunDirectory.ATTACHMENTS));
                Files.writeString(records.resolve("1.json"), "{\"network\": \"istio-cni\", \"pod\": \"shop/web\"}");
            }

            assertThat(log.lines())
                    .anyMatch(line -> line.startsWith("WARN pods attached to the network istio-cni")
                            && line.contains(" shop/web. "));
        }
        assertThat(node.runDirectory()).doesNotExist();
    }

    @Test
    void aFurtherStepThatFailsLeavesNoFileBehind() throws Exception {
        ManagedInstallation installation =
                start(TestInstallers.of(node), Answer.UNINSTALL, _ -> Optional.of("the taint stays"));
        try (installation) {
            eventually("installed", () -> installation.state().notReady().isEmpty());
            assertThat(installation.leftovers()).isEmpty();
        }

        assertThat(node.conf()).isEqualTo(before);
        assertThat(node.binDir()).isEmptyDirectory();
        assertThat(node.runDirectory()).doesNotExist();
        assertThat(installation.leftovers()).containsExactly("the taint stays");
    }

    @Test
    void aConfigurationThatCannotBeWrittenKeepsThePluginButNoOtherStep() throws Exception {
        AtomicBoolean readOnly = new AtomicBoolean();
        AtomicInteger further = new AtomicInteger();
        Installer installer = TestInstallers.of(node, new PassedOnSteps(new DiskSteps()) {
            @Override
            public void before(String step, Path file) throws IOException {
                if (readOnly.get() && file.startsWith(node.confDir())) {
                    throw new FileSystemException(file.toString(), null, "Read-only file system");
                }
            }
        });
        ManagedInstallation installation = start(installer, Answer.UNINSTALL, _ -> {
            further.incrementAndGet();
            return Optional.empty();
        });
        try (installation) {
            eventually("installed", () -> installation.state().notReady().isEmpty());
            readOnly.set(true);
        }

        assertThat(node.link()).exists();
        assertThat(node.runDirectory()).doesNotExist();
        assertThat(further).hasValue(1);
        assertThat(installation.leftovers()).singleElement(STRING).contains("Read-only", "the plugin is kept");
    }

    @Test
    void aNodeCanRedirectFromTheMomentAtWhichTheConfigurationCallsThePlugin() throws Exception {
        node = TestNode.in(root.resolve("new"));
        try (ManagedInstallation installation = start(Answer.RESTART)) {
            eventually("waiting for the base CNI", () -> installation.state() instanceof InstallState.Waiting);
            assertThat(installation.canRedirect()).isFalse();

            node.conf("10-mynet.conf", before.get("10-mynet.conf"));

            eventually("called", installation::canRedirect);
            assertThat(node.conf().get("10-mynet.conflist")).contains("\"istio-cni\"");
        }
    }

    @Test
    void anOlderDaemonDoesNotUninstallWhatANewerOneHasInstalled() throws Exception {
        try (ManagedInstallation older = start(Answer.UNINSTALL)) {
            eventually("installed", () -> older.state().notReady().isEmpty());
            TestInstallers.of(node).claim();
            eventually("superseded", () -> older.state() instanceof InstallState.Superseded);
        }

        assertThat(node.conf()).containsOnlyKeys("10-mynet.conflist");
        assertThat(node.link()).exists();
    }

    @Test
    void anOlderDaemonThatHasNotNoticedTheNewerOneYetDoesNotUninstallEither() throws Exception {
        try (ManagedInstallation older = startChecking(Duration.ofHours(1), Answer.UNINSTALL)) {
            eventually("installed", () -> older.state().notReady().isEmpty());
            TestInstallers.of(node).claim();
        }

        assertThat(node.conf()).containsOnlyKeys("10-mynet.conflist");
        assertThat(node.link()).exists();
        assertThat(node.runDirectory()).isNotEmptyDirectory();
    }

    private ManagedInstallation start(Answer atTheEnd) throws Exception {
        return startChecking(Duration.ofMillis(100), atTheEnd);
    }

    private ManagedInstallation startChecking(Duration interval, Answer atTheEnd) throws Exception {
        node.checkedEvery(interval);
        return start(TestInstallers.of(node), atTheEnd, UninstallStep.none());
    }

    private static ManagedInstallation start(Installer installer, Answer atTheEnd, UninstallStep further) {
        return ManagedInstallation.start(installer, _ -> atTheEnd, () -> false, further);
    }
}
