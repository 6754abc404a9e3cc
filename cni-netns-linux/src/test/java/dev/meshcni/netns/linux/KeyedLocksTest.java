// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class KeyedLocksTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    private final KeyedLocks locks = new KeyedLocks();

    @Test
    void workForOneKeyGoesOnOneAtATime() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?>[] all = new Future<?>[50];
            for (int i = 0; i < all.length; i++) {
                all[i] = threads.submit(() -> locks.locked("a", LONG, () -> {
                    assertThat(inside.incrementAndGet()).isEqualTo(1);
                    return inside.decrementAndGet();
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
        assertThat(locks.size()).isZero();
    }

    @Test
    void workForAnotherKeyDoesNotWait() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> holder = threads.submit(() -> locks.locked("a", LONG, () -> hold(entered, leave)));
            entered.await();

            assertThat(locks.locked("b", Duration.ZERO, () -> "done")).isEqualTo("done");
            assertThatThrownBy(() -> locks.locked("a", Duration.ofMillis(10), () -> "never"))
                    .isInstanceOf(RedirectException.class)
                    .hasMessageContaining("timeout after 10 ms");

            leave.countDown();
            holder.get();
        }
    }

    @Test
    void aFailureOfTheWorkFreesTheKey() {
        assertThatThrownBy(() -> locks.locked("a", LONG, () -> {
                    throw new RedirectException("no");
                }))
                .isInstanceOf(RedirectException.class);

        assertThat(locks.locked("a", Duration.ZERO, () -> "free")).isEqualTo("free");
        assertThat(locks.size()).isZero();
    }

    private static String hold(CountDownLatch entered, CountDownLatch leave) {
        entered.countDown();
        try {
            leave.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return "";
    }
}
