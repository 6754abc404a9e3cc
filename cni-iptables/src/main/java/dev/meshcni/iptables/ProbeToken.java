// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;

/** The payload of a probe, which identifies it wherever it arrives. */
record ProbeToken(UUID id) {
    private static final int SIZE = 2 * Long.BYTES;

    static ProbeToken create() {
        return new ProbeToken(UUID.randomUUID());
    }

    ByteBuffer write() {
        return ByteBuffer.allocate(SIZE)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .flip();
    }

    /** The token in a message; nothing if the message is something else. */
    static Optional<ProbeToken> read(ByteBuffer message) {
        return message.remaining() == SIZE
                ? Optional.of(new ProbeToken(new UUID(message.getLong(), message.getLong())))
                : Optional.empty();
    }
}
