// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Where servers tell senders what has arrived. A probe carries a token of 8 bytes; the server that reads it tells the
 * sender here, within this JVM, so that no answer has to find its way back through the rules under test.
 */
final class Arrivals {
    private final AtomicLong lastToken = new AtomicLong();
    private final Map<Long, CompletableFuture<Outcome.Arrived>> expected = new ConcurrentHashMap<>();

    /** A probe that is about to be sent. */
    record Expected(long token, CompletableFuture<Outcome.Arrived> arrival) {
        byte[] payload() {
            return ByteBuffer.allocate(Long.BYTES).putLong(token).array();
        }
    }

    Expected expect() {
        long token = lastToken.incrementAndGet();
        CompletableFuture<Outcome.Arrived> arrival = new CompletableFuture<>();
        expected.put(token, arrival);
        return new Expected(token, arrival);
    }

    void arrived(byte[] payload, Outcome.Arrived arrival) {
        if (payload.length == Long.BYTES) {
            CompletableFuture<Outcome.Arrived> waiting =
                    expected.remove(ByteBuffer.wrap(payload).getLong());
            if (waiting != null) {
                waiting.complete(arrival);
            }
        }
    }
}
