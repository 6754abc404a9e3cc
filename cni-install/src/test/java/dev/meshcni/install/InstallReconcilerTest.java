// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What others do to the node is put right; the node compares by itself once an hour only, unless a test says otherwise.
 */
class InstallReconcilerTest {
    @TempDir
    private Path root;

    private TestNode node;
    private Installer installer;
    private InstallReconciler watch;
    private final AtomicBoolean agentIsFound = new AtomicBoolean();
    private Map<String, String> installed;

    @BeforeEach
    void install() throws Exception {
        node = TestInstallers.node(root, "ptp");
        start();
    }

    @AfterEach
    void end() {
        watch.close();
    }

    @Test
    void ourEntryIsPutBack() throws Exception {
        Files.copy(
                TestInstallers.confDirs().resolve("ptp/10-ptp.conflist"),
                Files.createDirectory(root.resolve("new")).resolve("file"));
        Files.move(root.resolve("new/file"), node.confDir().resolve("10-ptp.conflist"), StandardCopyOption.ATOMIC_MOVE);

        eventually("our entry is back", () -> node.conf().equals(installed));
    }

    @Test
    void aFileThatComesBeforeOursIsInstalledInto() throws Exception {
        node.conf("05-new.conflist", """
            {"cniVersion": "1.0.0", "name": "new", "plugins": [{"type": "bridge"}]}\
            """);

        eventually(
                "the new first list has our entry",
                () -> node.conf().get("05-new.conflist").contains("istio-cni"));
        eventually(
                "the old one has lost it",
                () -> !node.conf().get("10-ptp.conflist").contains("istio-cni"));
    }

    @Test
    void aDeletedPluginIsPutBack() throws Exception {
        Files.delete(node.link());

        eventually("the plugin is back", () -> Files.isExecutable(node.link()));
    }

    @Test
    void aTruncatedPluginIsReplaced() throws Exception {
        Files.write(node.link().toRealPath(), new byte[0]);

        eventually(
                "the plugin is whole", () -> node.link().toRealPath().toFile().length() > 0);
    }

    @Test
    void aDirectoryOfVersionsThatIsGoneComesBack() throws Exception {
        Files.move(node.binDir().resolve(".mesh-cni"), root.resolve("moved"));

        eventually("the plugin is back", () -> Files.isExecutable(node.link()));
    }

    @Test
    void aSymbolicLinkToAnotherDirectoryIsFollowedWithoutAnEvent() throws Exception {
        watch.close();
        Path first = root.resolve("first");
        Path second = Files.createDirectories(root.resolve("second"));
        Files.move(node.confDir(), first);
        Files.createSymbolicLink(node.confDir(), first);
        node.checkedEvery(Duration.ofMillis(100));
        start();
        Files.copy(
                TestInstallers.confDirs().resolve("flannel/10-flannel.conflist"),
                second.resolve("10-flannel.conflist"));

        Files.delete(node.confDir());
        Files.createSymbolicLink(node.confDir(), second);

        eventually(
                "the other directory has our entry",
                () -> Files.readString(second.resolve("10-flannel.conflist")).contains("istio-cni"));
        node.checkedEvery(Duration.ofHours(1));
    }

    @Test
    void aFileBehindASymbolicLinkIsWatchedWhereItIs() throws Exception {
        watch.close();
        Path elsewhere = Files.createDirectory(root.resolve("elsewhere"));
        Path target = elsewhere.resolve("pods.conflist");
        Path link = node.confDir().resolve("10-ptp.conflist");
        Files.copy(TestInstallers.confDirs().resolve("ptp/10-ptp.conflist"), target);
        Files.delete(link);
        Files.createSymbolicLink(link, target);
        start();
        String ours = Files.readString(target);

        Files.copy(
                TestInstallers.confDirs().resolve("ptp/10-ptp.conflist"), target, StandardCopyOption.REPLACE_EXISTING);

        eventually("our entry is back", () -> Files.readString(target).equals(ours));
    }

    @Test
    @Slow
    void aDirectoryThatIsMadeAnewIsWatchedAgain() throws Exception {
        watch.close();
        node.checkedEvery(Duration.ofMillis(100));
        start();
        deleteTree(node.confDir());
        eventually("the loss is known", () -> installer.state() instanceof InstallState.Waiting);

        Files.createDirectories(node.confDir());
        node.conf("10-ptp.conflist", Files.readString(TestInstallers.confDirs().resolve("ptp/10-ptp.conflist")));

        eventually("reinstalling it", () -> node.conf().equals(installed));
    }

    @Test
    void anOlderInstallerLeavesTheNodeToANewerOne() throws Exception {
        Installer newer = TestInstallers.of(node);
        newer.claim();
        Files.delete(node.link());

        eventually("the older one has seen it", () -> installer.state() instanceof InstallState.Superseded);

        assertThat(node.link()).doesNotExist();
        assertThat(newer.round()).isInstanceOf(InstallState.Installed.class);
        assertThat(node.link()).exists();
    }

    @Test
    void theOlderInstallerTakesTheNodeBackWhenTheNewerOneIsDead() throws Exception {
        watch.close();
        node.checkedEvery(Duration.ofMillis(100));
        start();
        TestInstallers.of(node).claim();
        eventually("the older one has seen it", () -> installer.state() instanceof InstallState.Superseded);
        Files.delete(node.link());

        agentIsFound.set(true);

        eventually("it installs again", () -> installer.state() instanceof InstallState.Installed);
        assertThat(node.link()).exists();
    }

    private void start() throws Exception {
        installer = TestInstallers.of(node);
        watch = InstallReconciler.start(installer, agentIsFound::get);
        eventually("installed", () -> installer.state() instanceof InstallState.Installed);
        installed = node.conf();
    }

    private static void deleteTree(Path directory) throws Exception {
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(directory)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.deleteIfExists(path);
        }
    }
}
