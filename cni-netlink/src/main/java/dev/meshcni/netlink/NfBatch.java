// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;

/**
 * Changes of nf_tables that the kernel makes all or none ({@code NFNL_MSG_BATCH_BEGIN}, {@code NFNL_MSG_BATCH_END} of
 * {@code linux/netfilter/nfnetlink.h}). Each message has a number: the first one {@link #encode} is given, and so on.
 *
 * <p>Only the last change asks for an acknowledgement ({@code NLM_F_ACK}); an error is told of each change that failed,
 * in their order, and before that. An error about the whole batch has the number of its beginning.
 */
public final class NfBatch {
    private static final int BATCH_BEGIN = 16;
    private static final int BATCH_END = 17;
    private static final int NFNL_BATCH_GENID = 1;

    /** One change. */
    private record Change(Supplier<String> what, NetlinkMessage message) {}

    private final OptionalInt generation;
    private final List<Change> changes = new ArrayList<>();

    /** A batch that holds whatever has happened meanwhile. */
    public NfBatch() {
        this.generation = OptionalInt.empty();
    }

    /**
     * A batch that is refused ({@code ERESTART}) if nf_tables of the namespace has changed since.
     *
     * @param generation the number of the state that the changes were made for ({@code NFNL_BATCH_GENID})
     */
    public NfBatch(int generation) {
        this.generation = OptionalInt.of(generation);
    }

    /**
     * Adds a change.
     *
     * @param what says the change in words, should it fail
     */
    public NfBatch add(Supplier<String> what, NetlinkMessage message) {
        changes.add(new Change(Objects.requireNonNull(what, "what is null"), message));
        return this;
    }

    /** The number of the state that the changes are for; empty if they are for any. */
    public OptionalInt generation() {
        return generation;
    }

    /** The number of changes. */
    public int size() {
        return changes.size();
    }

    /** Returns whether there is nothing to do. */
    public boolean isEmpty() {
        return changes.isEmpty();
    }

    /** A change in words. */
    public String what(int index) {
        return changes.get(index).what().get();
    }

    /** The same batch with another message in place of one. */
    public NfBatch with(int index, NetlinkMessage message) {
        NfBatch copy = generation.isPresent() ? new NfBatch(generation.getAsInt()) : new NfBatch();
        copy.changes.addAll(changes);
        copy.changes.set(index, new Change(changes.get(index).what(), message));
        return copy;
    }

    /** The same batch for another state of nf_tables. */
    public NfBatch at(int otherGeneration) {
        NfBatch same = new NfBatch(otherGeneration);
        same.changes.addAll(changes);
        return same;
    }

    /** All messages as the kernel takes them. */
    public byte[] encode(int firstSequence) {
        return encode(firstSequence, Optional.of(new NetlinkMessage(BATCH_END, 0).bytes(0, 0, 0, NfTables.SUBSYSTEM)));
    }

    /** All messages but the end of the batch: the kernel checks them, and makes no change. */
    public byte[] encodeWithoutEnd(int firstSequence) {
        return encode(firstSequence, Optional.empty());
    }

    /** The number of the end of the batch. */
    public int lastSequence(int firstSequence) {
        return firstSequence + changes.size() + 1;
    }

    /** The number of the acknowledgement that all is done. */
    public int acknowledgement(int firstSequence) {
        return firstSequence + changes.size();
    }

    /** The change that an error is about, in words. */
    public String about(int firstSequence, KernelError error) {
        int index = error.sequence() - firstSequence - 1;
        return index >= 0 && index < changes.size() ? what(index) : "the transaction as a whole";
    }

    private byte[] encode(int firstSequence, Optional<NetlinkMessage> end) {
        NetlinkMessage begin = new NetlinkMessage(BATCH_BEGIN, 0).bytes(0, 0, 0, NfTables.SUBSYSTEM);
        generation.ifPresent(number -> begin.attributes(a -> a.be32(NFNL_BATCH_GENID, number)));
        int length = aligned(begin) + end.map(NfBatch::aligned).orElse(0);
        for (Change change : changes) {
            length += aligned(change.message());
        }
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.nativeOrder());
        put(bytes, begin, firstSequence, 0);
        for (int i = 0; i < changes.size(); i++) {
            boolean last = i == changes.size() - 1;
            put(bytes, changes.get(i).message(), firstSequence + 1 + i, last ? NetlinkMessage.ACK : 0);
        }
        end.ifPresent(message -> put(bytes, message, lastSequence(firstSequence), 0));
        return bytes.array();
    }

    private static void put(ByteBuffer bytes, NetlinkMessage message, int sequence, int flags) {
        int next = bytes.position() + aligned(message);
        message.put(bytes, sequence, flags);
        bytes.position(next);
    }

    /** Each message begins at a multiple of four bytes ({@code NLMSG_ALIGN}). */
    private static int aligned(NetlinkMessage message) {
        return message.length() + 3 & ~3;
    }
}
