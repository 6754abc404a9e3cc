// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A program in which a virtual thread waits for what is done in a namespace while all threads that carry virtual ones
 * are busy, so that another one is started when the result is there. It prints how many of its threads are in the
 * namespace afterwards.
 */
final class ManyCarriers {
    private static final int BUSY = 8;
    private static final int ROUNDS = 4;

    private ManyCarriers() {}

    /**
     * Runs it.
     *
     * @param args the path of the namespace
     */
    public static void main(String[] args) throws Exception {
        Path netns = Path.of(args[0]);
        for (int round = 1; round <= ROUNDS; round++) {
            wake(netns, round * BUSY);
        }
        System.out.println(threadsLeftIn(netns));
    }

    /** The threads of the sessions end soon; one that carries virtual threads stays for half a minute. */
    private static int threadsLeftIn(Path netns) throws IOException, InterruptedException {
        int left = threadsIn(netns);
        for (int poll = 0; left > 0 && poll < 50; poll++) {
            Thread.sleep(100);
            left = threadsIn(netns);
        }
        return left;
    }

    private static void wake(Path netns, int carriers) throws InterruptedException {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch busy = new CountDownLatch(carriers);
        CountDownLatch done = new CountDownLatch(1);
        AtomicBoolean end = new AtomicBoolean();
        Thread caller = Thread.ofVirtual().start(() -> {
            Deadline deadline = Deadline.after(Duration.ofSeconds(60));
            NamespaceSession.Occupancy occupancy = new NamespaceSession.Occupancy();
            try (NamespaceSession session = NamespaceSession.open(netns, HostPaths.standard(), occupancy, deadline)) {
                session.inside(_ -> {
                    inside.countDown();
                    return await(done);
                });
            }
        });
        inside.await();
        for (int i = 0; i < carriers; i++) {
            Thread.ofVirtual().start(() -> {
                busy.countDown();
                while (!end.get()) {
                    Thread.onSpinWait();
                }
            });
        }
        busy.await();
        done.countDown();
        caller.join();
        end.set(true);
    }

    private static boolean await(CountDownLatch latch) {
        try {
            latch.await();
            return true;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int threadsIn(Path netns) throws IOException {
        int threads = 0;
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path task : tasks) {
                threads += isIn(task, netns) ? 1 : 0;
            }
        }
        return threads;
    }

    /** A thread that has ended meanwhile is nowhere. */
    private static boolean isIn(Path task, Path netns) throws IOException {
        try {
            return Files.isSameFile(task.resolve("ns/net"), netns);
        } catch (NoSuchFileException e) {
            return false;
        }
    }
}
