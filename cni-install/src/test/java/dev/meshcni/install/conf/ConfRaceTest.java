// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniJson;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.config.DaemonException;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.FileMetadata;
import dev.meshcni.files.SharedFiles;
import dev.meshcni.files.testkit.PassedOnSteps;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A base CNI that goes on changing its configuration while we install and uninstall: each of its changes stays until
 * its next one.
 */
@Timeout(120)
class ConfRaceTest {
    private static final int CHANGES = 400;
    private static final Pattern MTU = Pattern.compile("\"mtu\": ?(\\d+)");

    @TempDir
    private Path root;

    @ParameterizedTest
    @Slow
    @ValueSource(longs = {1, 2, 3})
    void noChangeOfTheBaseCniIsLostAndOurEntryEndsUpInAndThenOut(long seed) throws Exception {
        TestNode node = TestNode.in(root);
        BaseCni base = new BaseCni(node.confDir().resolve("10-ptp.conflist"), new Random(seed));
        base.change();
        ConfInstaller installer = new ConfInstaller(
                node.confDir(),
                InstallSettings.chainedInto(
                        CniJson.newObject().put("name", "istio-cni").put("type", "istio-cni")),
                ChainAdapters.installed(),
                new SharedFiles(new UnsyncedDisk()),
                FileMetadata.ofMode("rw-------"));

        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            Future<?> changes = other.submit(base::changeAll);
            int rounds = 0;
            for (; !changes.isDone(); rounds++) {
                attempt(installer, rounds);
            }
            changes.get();
            assertThat(rounds).as("rounds of ours").isGreaterThan(CHANGES / 40);
        }

        installer.sweep();
        installer.carryOut(installer.assess());
        assertThat(base.file()).content().contains("\"istio-cni\"").contains(Integer.toString(base.version()));
        installer.uninstall();
        assertThat(base.file()).hasContent(base.content());
        assertThat(TestNode.filesIn(node.confDir())).containsExactly(base.file());
    }

    private static void attempt(ConfInstaller installer, int round) throws IOException {
        try {
            if (round % 2 == 0) {
                installer.carryOut(installer.assess());
            } else {
                installer.uninstall();
            }
        } catch (IOException | DaemonException e) {
            // It lost too many races, or saw half a file; the next round tries again.
            assertThat(e).hasMessageMatching("(?s).*(same time|were reverted|cannot be parsed).*");
        }
    }

    /** Writes as base CNIs do: some by a rename, some in place; and never with our entry. */
    private static final class BaseCni {
        private static final int FIRST = 1000;

        private final Path file;
        private final Random random;
        private int version = FIRST;

        BaseCni(Path file, Random random) {
            this.file = file;
            this.random = random;
        }

        Path file() {
            return file;
        }

        int version() {
            return version;
        }

        String content() {
            return """
                {"cniVersion": "1.0.0", "name": "net", "plugins": [
                  {"type": "ptp", "mtu": %d, "ipam": {"type": "host-local"}}, {"type": "portmap"}]}
                """.formatted(version);
        }

        Void changeAll() throws Exception {
            for (int change = 0; change < CHANGES; change++) {
                change();
                LockSupport.parkNanos(random.nextInt(2_000_000));
            }
            return null;
        }

        /** Changes it once, and sees that the change is there, with our entry or without. */
        void change() throws Exception {
            version++;
            if (random.nextBoolean()) {
                Files.writeString(file, content());
            } else {
                Path fresh = Files.writeString(file.resolveSibling("base.tmp"), content());
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            }
            eventually("change " + version + " is there", () -> found() == version);
        }

        private int found() throws IOException {
            Matcher mtu = MTU.matcher(Files.readString(file));
            return mtu.find() ? Integer.parseInt(mtu.group(1)) : -1;
        }
    }

    /** Nobody pulls the plug here, and each fsync is a pause in which nothing can happen to us. */
    private static final class UnsyncedDisk extends PassedOnSteps {
        UnsyncedDisk() {
            super(new DiskSteps());
        }

        @Override
        public void sync(Path path) {}
    }
}
