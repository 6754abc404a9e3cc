package dev.meshcni.daemon;

import static dev.meshcni.daemon.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Installers of several processes take turns. */
class InstallerLeaseTest {
    @TempDir
    private Path root;

    @Test
    void whoeverWaitedForALockThatWasDeletedTakesTheOneThatOthersFind() throws Exception {
        TestNode node = TestNode.with(root, "ptp");
        Path lock = node.runDirectory().resolve("installer.lock");
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            Future<InstallState> waiting;
            try (InstallerProcess _ = InstallerProcess.stoppedAt(1, root, InstallerWork.UNINSTALL)) {
                Installer installer = node.installer();
                waiting = other.submit(installer::installOnce);
                eventually("it waits for its turn", () -> waitsForLock(lock));
                Files.delete(lock);
            }

            assertThat(waiting.get()).isInstanceOf(InstallState.Installed.class);
        }
        assertThat(lock).exists();
    }

    /** The kernel lists those who wait for a lock under the one that is held, by inode (proc(5), locks). */
    private static boolean waitsForLock(Path lock) throws Exception {
        String inode = ":" + Files.getAttribute(lock, "unix:ino") + " ";
        return Files.readAllLines(Path.of("/proc/locks")).stream()
                .anyMatch(line -> line.contains("->") && line.contains(inode));
    }
}
