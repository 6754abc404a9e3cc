// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkQueueTest {
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

    private final AtomicInteger runs = new AtomicInteger();

    @Test
    void whatFailsComesAgainUntilItSucceeds() throws Exception {
        try (WorkQueue queue = new WorkQueue("test", 2, LONGEST_PAUSE, _ -> runs.incrementAndGet() == 4)) {
            queue.add("a");

            eventually("it has succeeded", () -> runs.get() == 4);
        }
    }

    @Test
    void additionsDoNotMultiplyTheAttempts() throws Exception {
        try (WorkQueue queue = new WorkQueue("test", 2, LONGEST_PAUSE, _ -> {
            runs.incrementAndGet();
            return false;
        })) {
            for (int i = 0; i < 100; i++) {
                queue.add("a");
                Thread.sleep(5);
            }
            int before = runs.get();
            Thread.sleep(LONGEST_PAUSE.multipliedBy(3));

            assertThat(runs.get() - before).isLessThanOrEqualTo(4);
        }
    }

    @Test
    void whatIsAddedDuringItsWorkIsWorkedOnAgainAndNeverByTwo() throws Exception {
        Map<String, AtomicInteger> working = new ConcurrentHashMap<>();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch first = new CountDownLatch(1);
        try (WorkQueue queue = new WorkQueue("test", 4, LONGEST_PAUSE, key -> {
            AtomicInteger together = working.computeIfAbsent(key, _ -> new AtomicInteger());
            most.accumulateAndGet(together.incrementAndGet(), Math::max);
            if (runs.incrementAndGet() == 1) {
                await(first);
            }
            together.decrementAndGet();
            return true;
        })) {
            queue.add("a");
            eventually("it is worked on", () -> runs.get() == 1);
            for (int i = 0; i < 10; i++) {
                queue.add("a");
            }
            first.countDown();

            eventually("it is worked on again", () -> runs.get() == 2);
            assertThat(most).hasValue(1);
        }
    }

    @Test
    void anErrorEndsNoKey() throws Exception {
        try (WorkQueue queue = new WorkQueue("test", 1, LONGEST_PAUSE, _ -> {
            if (runs.incrementAndGet() == 1) {
                throw new StackOverflowError("injected");
            }
            return true;
        })) {
            queue.add("a");

            eventually("it comes again", () -> runs.get() == 2);
        }
    }

    @Test
    void whatWaitsIsDroppedAtTheEnd() throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        WorkQueue queue = new WorkQueue("test", 1, LONGEST_PAUSE, _ -> {
            runs.incrementAndGet();
            await(first);
            return true;
        });
        for (int i = 0; i < 100; i++) {
            queue.add("key " + i);
        }
        eventually("the first is worked on", () -> runs.get() == 1);
        Thread closing = Thread.ofPlatform().start(queue::close);
        Thread.sleep(100);
        first.countDown();
        closing.join();

        assertThat(runs).hasValue(1);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
