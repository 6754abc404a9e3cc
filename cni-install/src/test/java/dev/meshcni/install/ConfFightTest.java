// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A base CNI that writes its configuration anew all the time, as Cilium does unless it is told not to. */
@Slow
class ConfFightTest {
    private static final Duration FIGHT = Duration.ofSeconds(20);
    private static final Duration REWRITE = Duration.ofMillis(200);

    /** As in production, with a shorter longest wait, which this test would have to sit out. */
    private static final RewriteBackoff.Limits LIMITS =
            new RewriteBackoff.Limits(5, Duration.ofSeconds(30), Duration.ofSeconds(1), Duration.ofSeconds(4));

    @TempDir
    private Path root;

    private final AtomicInteger rewrites = new AtomicInteger();

    @Test
    void twentySecondsOfRewritingTearNoFileWarnWithTheRemedyAndEndRight() throws Exception {
        TestNode node = TestInstallers.node(root, "cilium").checkedEvery(Duration.ofSeconds(5));
        Path file = node.confDir().resolve("05-cilium.conflist");
        String foreign = Files.readString(file);
        Installer installer = TestInstallers.of(
                node,
                new DiskSteps(),
                InstallSettings.chainedInto(TestInstallers.entry()),
                LIMITS,
                new CountedRewrites());
        Reader reader = new Reader(file);
        Thread reading = Thread.ofPlatform().start(reader);

        try (CapturedLog log = CapturedLog.of(InstallLog.class);
                InstallReconciler _ = InstallReconciler.start(installer, () -> true)) {
            eventually("installed", () -> installer.state() instanceof InstallState.Installed);
            String ours = Files.readString(file);
            fight(file, foreign);
            eventually("reinstalling it", () -> Files.readString(file).equals(ours));
            eventually("known to be installed", () -> installer.state() instanceof InstallState.Installed);
            reader.stop = true;
            reading.join();

            assertThat(reader.seen).containsExactlyInAnyOrder(foreign, ours);
            assertThat(rewrites.get()).isBetween(6, 20);
            assertThat(log.lines())
                    .anyMatch(line -> line.startsWith("WARN")
                            && line.contains("repeatedly")
                            && line.contains("cilium-cni")
                            && line.contains("cni.exclusive"));
        } finally {
            reader.stop = true;
        }
    }

    private void fight(Path file, String content) throws IOException {
        Path fresh = root.resolve("fresh");
        long end = System.nanoTime() + FIGHT.toNanos();
        while (System.nanoTime() < end) {
            Files.writeString(fresh, content);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            LockSupport.parkNanos(REWRITE.toNanos());
        }
    }

    /** Reads the file as often as it can, as a runtime that is told of every change. */
    private static final class Reader implements Runnable {
        private final Path file;
        private final Set<String> seen = ConcurrentHashMap.newKeySet();
        private volatile boolean stop;

        Reader(Path file) {
            this.file = file;
        }

        @Override
        public void run() {
            while (!stop) {
                try {
                    seen.add(Files.readString(file));
                } catch (IOException e) {
                    seen.add(e.toString());
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
            }
        }
    }

    private final class CountedRewrites implements InstallEvents {
        @Override
        public void attempted(Result result) {}

        @Override
        public void rewritten(Part part) {
            rewrites.incrementAndGet();
        }

        @Override
        public void ready(boolean ready) {}
    }
}
