// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

/**
 * The names of one object, to find one that is duplicated: a hash table of the places at which they begin, so that an
 * object of nothing but names takes no more memory than its JSON.
 */
final class JsonNames {
    private static final int FIRST_CAPACITY = 16;
    private static final int END = -1;
    private static final int DIGITS = 4;

    private final byte[] json;
    private int[] places = new int[FIRST_CAPACITY];
    private int size;

    JsonNames(byte[] json) {
        this.json = json;
    }

    /** Takes the name that begins with the quotation mark at a place; false if it is there already. */
    boolean add(int place) {
        if (2 * size >= places.length) {
            grow();
        }
        // Zero is a free slot: no name begins where an object does.
        int slot = slot(place);
        if (places[slot] != 0) {
            return false;
        }
        places[slot] = place;
        size++;
        return true;
    }

    private void grow() {
        int[] before = places;
        places = new int[2 * before.length];
        for (int place : before) {
            if (place != 0) {
                places[slot(place)] = place;
            }
        }
    }

    /** The slot of a name, or the free slot for it. */
    private int slot(int place) {
        int slot = hash(place) & (places.length - 1);
        while (places[slot] != 0 && !same(places[slot], place)) {
            slot = (slot + 1) & (places.length - 1);
        }
        return slot;
    }

    private int hash(int place) {
        Cursor name = new Cursor(place);
        int hash = 0;
        for (int c = name.next(); c != END; c = name.next()) {
            hash = 31 * hash + c;
        }
        return mixed(hash);
    }

    /** Spreads names that differ in little over the whole table (the finalizer of MurmurHash3 for 32 bits). */
    private static int mixed(int hash) {
        int mixed = (hash ^ (hash >>> 16)) * 0x85ebca6b;
        mixed = (mixed ^ (mixed >>> 13)) * 0xc2b2ae35;
        return mixed ^ (mixed >>> 16);
    }

    private boolean same(int one, int other) {
        Cursor name = new Cursor(one);
        Cursor second = new Cursor(other);
        int c;
        do {
            c = name.next();
            if (c != second.next()) {
                return false;
            }
        } while (c != END);
        return true;
    }

    /** Goes along a name, character by character, however each of them is written. */
    private final class Cursor {
        private int at;

        Cursor(int place) {
            at = place + 1;
        }

        int next() {
            int c = json[at];
            if (c == '"') {
                return END;
            }
            if (c == '\\') {
                at++;
                return escaped();
            }
            int length = Utf8.length(json[at]);
            at += length;
            return Utf8.codePoint(json, at - length, length);
        }

        private int escaped() {
            int c = json[at++];
            return switch (c) {
                case 'b' -> '\b';
                case 'f' -> '\f';
                case 'n' -> '\n';
                case 'r' -> '\r';
                case 't' -> '\t';
                case 'u' -> codePoint();
                default -> c;
            };
        }

        /** One code unit, or the character that it and the next one are. */
        private int codePoint() {
            int unit = JsonSpan.codeUnit(json, at);
            at += DIGITS;
            if (unit >= Character.MIN_HIGH_SURROGATE
                    && unit <= Character.MAX_HIGH_SURROGATE
                    && json[at] == '\\'
                    && json[at + 1] == 'u') {
                int low = JsonSpan.codeUnit(json, at + 2);
                if (low >= Character.MIN_LOW_SURROGATE && low <= Character.MAX_LOW_SURROGATE) {
                    at += 2 + DIGITS;
                    return Character.toCodePoint((char) unit, (char) low);
                }
            }
            return unit;
        }
    }
}
