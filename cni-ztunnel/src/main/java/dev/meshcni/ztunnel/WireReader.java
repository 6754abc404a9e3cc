// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads the fields of a protobuf message, one after the other. Each field is either read by its type or skipped; what
 * is cut off or malformed is a {@link ZdsException}.
 */
final class WireReader {
    static final int VARINT = 0;
    static final int LENGTH_DELIMITED = 2;

    private static final int FIXED64 = 1;
    private static final int START_GROUP = 3;
    private static final int END_GROUP = 4;
    private static final int FIXED32 = 5;
    private static final int MAX_VARINT_LENGTH = 10;

    /** How deep groups may stand in each other; protobuf's own limit is 100. */
    private static final int MAX_DEPTH = 16;

    private final ByteBuffer bytes;
    private int field;
    private int type;

    WireReader(byte[] message) {
        this(ByteBuffer.wrap(message));
    }

    private WireReader(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    /** Goes to the next field; false at the end of the message. */
    boolean next() {
        if (!bytes.hasRemaining()) {
            return false;
        }
        long tag = varint();
        field = (int) (tag >>> 3);
        type = (int) (tag & 7);
        if (tag >>> 3 < 1 || tag >>> 3 > (1 << 29) - 1) {
            throw new ZdsException(
                    "a field has the number " + Long.toUnsignedString(tag >>> 3) + "; 1 to 536870911 are possible");
        }
        return true;
    }

    /** Whether the field has this number and this type. One of another type is an unknown field. */
    boolean is(int number, int wireType) {
        return field == number && type == wireType;
    }

    long varint() {
        long value = 0;
        for (int i = 0; i < MAX_VARINT_LENGTH; i++) {
            byte next = bytes(1).get();
            value |= (long) (next & 0x7f) << (7 * i);
            if (next >= 0) {
                return value;
            }
        }
        throw new ZdsException("a number has more than " + MAX_VARINT_LENGTH + " bytes");
    }

    String string() {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(lengthDelimited()).toString();
        } catch (CharacterCodingException e) {
            throw new ZdsException("a text in field " + field + " is not UTF-8", e);
        }
    }

    /** The fields of a message within this one. */
    WireReader message() {
        return new WireReader(lengthDelimited());
    }

    void skip() {
        skip(0);
    }

    private void skip(int depth) {
        switch (type) {
            case VARINT -> varint();
            case FIXED64 -> bytes(Long.BYTES);
            case LENGTH_DELIMITED -> lengthDelimited();
            case START_GROUP -> skipGroup(depth);
            case FIXED32 -> bytes(Integer.BYTES);
            default ->
                throw new ZdsException(
                        "field " + field + " has the wire type " + type + " where 0, 1, 2, 3 or 5 is possible");
        }
    }

    private void skipGroup(int depth) {
        if (depth == MAX_DEPTH) {
            throw new ZdsException("groups stand in each other more than " + MAX_DEPTH + " deep");
        }
        int group = field;
        while (next()) {
            if (type == END_GROUP) {
                if (field != group) {
                    throw new ZdsException("the group of field " + group + " ends as that of field " + field);
                }
                return;
            }
            skip(depth + 1);
        }
        throw new ZdsException("the group of field " + group + " has no end");
    }

    private ByteBuffer lengthDelimited() {
        long length = varint();
        if (length < 0 || length > Integer.MAX_VALUE) {
            throw new ZdsException("field " + field + " says that it has " + Long.toUnsignedString(length) + " bytes");
        }
        return bytes((int) length);
    }

    private ByteBuffer bytes(int length) {
        if (length > bytes.remaining()) {
            throw new ZdsException(
                    "the message is cut off: " + length + " bytes are announced, " + bytes.remaining() + " are there");
        }
        ByteBuffer taken = bytes.slice(bytes.position(), length);
        bytes.position(bytes.position() + length);
        return taken;
    }
}
