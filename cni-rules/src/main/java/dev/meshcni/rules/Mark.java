// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

/**
 * A number that the kernel keeps with a packet or a connection, and the bits of it that are meant: several programs can
 * use one mark if each leaves the bits of the others alone ({@code iptables-extensions(8)}, "mark").
 *
 * @param value the number; it has no bits beyond the mask
 * @param mask the bits that are compared or set, at least one
 */
public record Mark(int value, int mask) {
    /** The mask of all bits. */
    public static final int ALL = -1;

    public Mark {
        if (mask == 0) {
            throw new IllegalArgumentException("a mark with the mask 0 says nothing");
        }
        if ((value & ~mask) != 0) {
            throw new IllegalArgumentException(hex(value) + " has bits beyond the mask " + hex(mask));
        }
    }

    /** A number of which all bits are meant. */
    public static Mark whole(int value) {
        return new Mark(value, ALL);
    }

    /** Returns whether all bits are meant. */
    public boolean isWhole() {
        return mask == ALL;
    }

    /** Returns whether a packet or a connection with this number has the mark. */
    public boolean isIn(int number) {
        return (number & mask) == value;
    }

    /** A number with the mark set in it, its other bits as they were. */
    public int setIn(int number) {
        return (number & ~mask) | value;
    }

    /** The mark as {@code iptables} prints it in a match: {@code 0x539}, or {@code 0x539/0xfff} with a mask. */
    @Override
    public String toString() {
        return isWhole() ? hex(value) : hex(value) + "/" + hex(mask);
    }

    private static String hex(int number) {
        return "0x" + Integer.toHexString(number);
    }
}
