// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.CapturedLog;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RefusalLogTest {
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE);
    private final List<HttpRefusal> counted = new ArrayList<>();
    private final RefusalLog log = new RefusalLog("--health-port", counted::add, now::get);

    @Test
    void aFloodIsALineAMinuteAndEachRefusalIsCounted() throws Exception {
        InetAddress peer = InetAddress.getByName("10.0.0.7");
        try (CapturedLog lines = CapturedLog.of(RefusalLog.class)) {
            log.refused(HttpRefusal.SLOW_REQUEST, peer);
            for (int i = 0; i < 2000; i++) {
                log.refused(HttpRefusal.PEER_LIMIT, peer);
            }
            log.refused(HttpRefusal.BUSY);
            assertThat(lines.lines())
                    .containsExactly(
                            "WARN port of --health-port rejected 1 (slow-request), the last one from 10.0.0.7");
            assertThat(log.hasUntold()).isTrue();

            now.addAndGet(Duration.ofMinutes(1).toNanos());
            log.tell();

            assertThat(lines.lines())
                    .hasSize(2)
                    .last()
                    .isEqualTo("WARN port of --health-port rejected 2000 (peer-limit), 1 (busy), the last one from"
                            + " 10.0.0.7");
            assertThat(log.hasUntold()).isFalse();
            assertThat(counted).hasSize(2002);
        }
    }

    @Test
    void aPageThatFailsIsAnErrorOnceAMinute() {
        try (CapturedLog lines = CapturedLog.of(RefusalLog.class)) {
            log.failed("the page /x", new IllegalStateException("1"));
            log.failed("the page /x", new IllegalStateException("2"));
            now.addAndGet(Duration.ofMinutes(1).toNanos());
            log.failed("the page /x", new IllegalStateException("3"));

            assertThat(lines.lines())
                    .filteredOn(line -> line.startsWith("ERROR the page /x on the port of --health-port failed"))
                    .hasSize(2);
            assertThat(counted)
                    .containsExactly(HttpRefusal.PAGE_FAILED, HttpRefusal.PAGE_FAILED, HttpRefusal.PAGE_FAILED);
        }
    }
}
