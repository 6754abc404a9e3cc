// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * One packet of a socket.
 *
 * @param bytes its content, as far as there was room for it
 * @param whole whether nothing of it was lost: neither content nor descriptors that came with it
 * @param descriptors the files that came with it ({@code SCM_RIGHTS}); the receiver closes them
 */
@SuppressWarnings("ArrayRecordComponent") // bytes on their way, never compared
public record Packet(byte[] bytes, boolean whole, List<ReceivedDescriptor> descriptors) {
    public Packet {
        requireNonNull(bytes, "bytes is null");
        descriptors = List.copyOf(descriptors);
    }

    /** Returns whether this is the end: the peer has closed its side. A packet without content looks the same. */
    public boolean isEnd() {
        return bytes.length == 0;
    }
}
