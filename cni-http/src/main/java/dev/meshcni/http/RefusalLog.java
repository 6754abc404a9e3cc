// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.net.InetAddress;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells what a port has refused: each refusal is counted, and in the log there is one line a minute at most, however
 * many there were. Nothing that a peer has sent gets there, only its address.
 */
final class RefusalLog {
    private static final Logger LOG = LoggerFactory.getLogger(RefusalLog.class);
    private static final Duration INTERVAL = Duration.ofMinutes(1);

    private final String option;
    private final Consumer<HttpRefusal> counter;
    private final LongSupplier nanoTime;
    private final Map<HttpRefusal, Integer> untold = new EnumMap<>(HttpRefusal.class);
    private String lastPeer = "";
    private long nextLine;
    private long nextFailure;

    /**
     * @param option the option that the port came from
     * @param counter what counts each refusal
     * @param nanoTime a clock such as {@link System#nanoTime}
     */
    RefusalLog(String option, Consumer<HttpRefusal> counter, LongSupplier nanoTime) {
        this.option = requireNonNull(option, "option is null");
        this.counter = requireNonNull(counter, "counter is null");
        this.nanoTime = requireNonNull(nanoTime, "nanoTime is null");
        this.nextLine = nanoTime.getAsLong();
        this.nextFailure = nextLine;
    }

    /** A peer was refused. */
    synchronized void refused(HttpRefusal reason, InetAddress peer) {
        lastPeer = ", the last one from " + peer.getHostAddress();
        refused(reason);
    }

    /** Counts a rejection. */
    synchronized void refused(HttpRefusal reason) {
        counter.accept(reason);
        untold.merge(reason, 1, Integer::sum);
        tell();
    }

    /** A page, or the port itself, has failed in a way that it must not. */
    synchronized void failed(String what, Throwable failure) {
        long now = nanoTime.getAsLong();
        if (now - nextFailure >= 0) {
            nextFailure = now + INTERVAL.toNanos();
            LOG.error("{} on the port of {} failed; not logged again for a minute", what, option, failure);
        }
        refused(HttpRefusal.PAGE_FAILED);
    }

    /** Returns whether there is something that {@link #tell} will tell once its minute is over. */
    synchronized boolean hasUntold() {
        return !untold.isEmpty();
    }

    /** Logs pending rejections, if it is time. */
    synchronized void tell() {
        long now = nanoTime.getAsLong();
        if (untold.isEmpty() || now - nextLine < 0) {
            return;
        }
        nextLine = now + INTERVAL.toNanos();
        LOG.warn(
                "port of {} rejected {}{}",
                option,
                untold.entrySet().stream()
                        .map(entry -> entry.getValue() + " (" + entry.getKey().label() + ")")
                        .collect(Collectors.joining(", ")),
                lastPeer);
        untold.clear();
    }
}
