// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.files.AtomicFiles;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Installers of several processes take turns. */
class InstallerLeaseTest {
    private static final Duration SOON = Duration.ofSeconds(1);

    @TempDir
    private Path root;

    @Test
    @Slow
    void whoeverWaitedForALockThatWasDeletedTakesTheOneThatOthersFind() throws Exception {
        TestNode node = TestInstallers.node(root, "ptp");
        Path lock = lock(node);
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            Future<InstallState> waiting;
            try (InstallerProcess _ = InstallerProcess.stoppedAt(1, root, InstallerWork.UNINSTALL)) {
                Installer installer = TestInstallers.of(node);
                waiting = other.submit(installer::installOnce);
                eventually("it waits for its turn", () -> isOpenHere(lock));
                Files.delete(lock);
            }

            assertThat(waiting.get()).isInstanceOf(InstallState.Installed.class);
        }
        assertThat(lock).exists();
    }

    @Test
    @Slow
    void aLockThatSomebodyHoldsForEverIsAnErrorThatNamesTheProcess() throws Exception {
        TestNode node = TestInstallers.node(root, "ptp");
        try (InstallerProcess other = InstallerProcess.stoppedAt(1, root, InstallerWork.UNINSTALL)) {
            InstallerLease lease = new InstallerLease(node.runDirectory(), new AtomicFiles(new DiskSteps()));

            assertThatThrownBy(() -> lease.takeTurn(Duration.ofMillis(300)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(lock(node).toString())
                    .hasMessageContaining("process " + other.pid() + " has held this lock");
        }
    }

    @Test
    void aTurnThatThisProcessDoesNotEndIsAnErrorToo() throws Exception {
        TestNode node = TestNode.in(root);
        InstallerLease lease = new InstallerLease(node.runDirectory(), new AtomicFiles(new DiskSteps()));
        try (InstallerLease.Turn _ = lease.takeTurn(SOON);
                ExecutorService other = Executors.newSingleThreadExecutor()) {
            Future<InstallerLease.Turn> second = other.submit(() -> lease.takeTurn(SOON));

            assertThatThrownBy(second::get).hasMessageContaining("this process has been installing");
        }
        lease.takeTurn(SOON).close();
    }

    @Test
    void theLockIsRootsAlone() throws Exception {
        TestNode node = TestNode.in(root);
        Files.createDirectories(node.runDirectory());
        Files.createFile(lock(node));
        Files.setPosixFilePermissions(lock(node), PosixFilePermissions.fromString("rw-rw-rw-"));

        InstallerLease lease = new InstallerLease(node.runDirectory(), new AtomicFiles(new DiskSteps()));
        lease.takeTurn(SOON).close();

        assertThat(Files.getPosixFilePermissions(lock(node))).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(Files.getPosixFilePermissions(node.runDirectory()))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void aLinkInPlaceOfTheLockIsNotFollowed() throws Exception {
        TestNode node = TestNode.in(root);
        Files.createDirectories(node.runDirectory());
        Path elsewhere = Files.createFile(root.resolve("elsewhere"));
        Files.setPosixFilePermissions(elsewhere, PosixFilePermissions.fromString("rw-r--r--"));
        Files.createSymbolicLink(lock(node), elsewhere);

        InstallState state = TestInstallers.of(node).installOnce();

        assertThat(state.notReady())
                .hasValueSatisfying(
                        reason -> assertThat(reason).contains(lock(node) + ": not a regular file; remove it"));
        assertThat(Files.getPosixFilePermissions(elsewhere)).isEqualTo(PosixFilePermissions.fromString("rw-r--r--"));
    }

    @Test
    void aPipeInPlaceOfTheLockHangsNobody() throws Exception {
        TestNode node = TestNode.in(root);
        Files.createDirectories(node.runDirectory());
        assertThat(new ProcessBuilder("mkfifo", lock(node).toString()).start().waitFor())
                .isZero();

        assertThat(TestInstallers.of(node).installOnce().notReady())
                .hasValueSatisfying(reason -> assertThat(reason).contains("not a regular file"));
    }

    @NeedsRoot("gives a file another owner")
    @Test
    void aRunDirectoryOnWhichSomebodyElseDecidesIsRefused() throws Exception {
        TestNode node = TestInstallers.node(root, "ptp");
        Path theirs = Files.createDirectories(root.resolve("theirs"));
        Files.setAttribute(theirs, "unix:uid", 4711);
        Files.createDirectories(node.runDirectory().getParent());
        Files.createSymbolicLink(node.runDirectory(), theirs);
        Installer installer = TestInstallers.of(node);

        assertThat(installer.installOnce().notReady())
                .hasValueSatisfying(reason -> assertThat(reason)
                        .contains("cannot use the run directory " + node.runDirectory())
                        .contains(theirs + ": it is owned by user 4711, not by root")
                        .contains("chown root"));
        assertThatThrownBy(installer::claim).hasMessageContaining("user 4711");
        assertThatThrownBy(() -> installer.uninstall(Duration.ZERO)).hasMessageContaining("user 4711");
        assertThat(theirs).isEmptyDirectory();
        assertThat(node.conf())
                .isEqualTo(TestNode.contents(TestInstallers.confDirs().resolve("ptp")));
    }

    private static Path lock(TestNode node) {
        return node.runDirectory().resolve("installer.lock");
    }

    /** Whether this process has a file open. */
    private static boolean isOpenHere(Path file) throws Exception {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.anyMatch(fd -> {
                try {
                    return Files.readSymbolicLink(fd).equals(file.toRealPath());
                } catch (IOException e) {
                    return false;
                }
            });
        }
    }
}
