// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;

/**
 * Reads one JSON object (RFC 8259) within the bounds of {@code CniJson}: strict UTF-8 without byte order mark, one
 * value and nothing after it, at most {@link #MAX_DEPTH} levels deep, no name twice in an object. It takes little
 * memory beside the input, whatever that is.
 */
final class JsonReader {
    /** The deepest nesting that is read. */
    static final int MAX_DEPTH = 100;

    private static final int LONGEST_NAME = 4 << 10;
    private static final int LONGEST_NUMBER = 100;
    private static final long BEYOND_ANY_EXPONENT = 1L << 40;

    private final byte[] json;
    private int position;
    private int depth;

    private JsonReader(byte[] json) {
        this.json = json;
    }

    /**
     * Reads an object.
     *
     * @throws CniException with {@link ErrorCode#DECODING_FAILURE} if it is anything else; where something is wrong,
     *     with line and column
     */
    static JsonSpan object(byte[] json) {
        if (!Utf8.isWellFormed(json)) {
            throw undecodable("not UTF-8");
        }
        JsonReader reader = new JsonReader(json);
        reader.skipBlanks();
        if (reader.position == json.length) {
            throw undecodable("it is empty");
        }
        int start = reader.position;
        reader.value();
        JsonSpan value = new JsonSpan(json, start, reader.position);
        reader.skipBlanks();
        if (reader.position < json.length) {
            throw reader.unexpected("end of input");
        }
        if (value.kind() != JsonSpan.Kind.OBJECT) {
            throw undecodable("expected an object, got " + value.kind().words());
        }
        return value;
    }

    private void value() {
        switch (peek()) {
            case '{' -> object();
            case '[' -> list();
            case '"' -> string();
            case 't' -> word("true");
            case 'f' -> word("false");
            case 'n' -> word("null");
            default -> number();
        }
    }

    private void object() {
        open();
        if (!endsWith('}')) {
            JsonNames names = new JsonNames(json);
            do {
                skipBlanks();
                name(names);
                skipBlanks();
                require(':');
                skipBlanks();
                value();
                skipBlanks();
            } while (another('}'));
        }
        depth--;
    }

    private void name(JsonNames names) {
        int start = position;
        if (peek() != '"') {
            throw unexpected("a name in quotation marks");
        }
        int length = string();
        if (length > LONGEST_NAME) {
            throw failure(start, "a name is longer than " + LONGEST_NAME + " characters");
        }
        if (!names.add(start)) {
            throw failure(start, "the name " + new JsonSpan(json, start, position).source() + " is duplicated");
        }
    }

    private void list() {
        open();
        if (!endsWith(']')) {
            do {
                skipBlanks();
                value();
                skipBlanks();
            } while (another(']'));
        }
        depth--;
    }

    private void open() {
        if (++depth > MAX_DEPTH) {
            throw failure(position, "nested deeper than " + MAX_DEPTH + " levels");
        }
        position++;
        skipBlanks();
    }

    private boolean endsWith(char end) {
        boolean ends = peek() == end;
        position += ends ? 1 : 0;
        return ends;
    }

    private boolean another(char end) {
        if (endsWith(end)) {
            return false;
        }
        if (peek() != ',') {
            throw unexpected("',' or '" + end + "'");
        }
        position++;
        return true;
    }

    private void require(char expected) {
        if (peek() != expected) {
            throw unexpected("'" + expected + "'");
        }
        position++;
    }

    /** Goes past a string; returns how many code units of UTF-16 it has. */
    private int string() {
        position++;
        int length = 0;
        for (int c = peek(); c != '"'; c = peek()) {
            if (c >= 0 && c < ' ') {
                throw failure(position, "a control character has to be escaped in a string");
            }
            length += Utf8.isContinuation((byte) c) ? 0 : Utf8.isBeyondOneUnit((byte) c) ? 2 : 1;
            position++;
            if (c == '\\') {
                escape();
            }
        }
        position++;
        return length;
    }

    private void escape() {
        switch (peek()) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> position++;
            case 'u' -> {
                position++;
                for (int i = 0; i < 4; i++) {
                    if (Character.digit(peek(), 16) < 0) {
                        throw unexpected("four hexadecimal digits");
                    }
                    position++;
                }
            }
            default -> throw unexpected("an escape sequence");
        }
    }

    private void word(String word) {
        for (int i = 0; i < word.length(); i++) {
            if (peek() != word.charAt(i)) {
                throw unexpected("a value");
            }
            position++;
        }
    }

    private void number() {
        int start = position;
        position += next() == '-' ? 1 : 0;
        if (next() == '0') {
            position++;
        } else {
            digits(start);
        }
        int fraction = position;
        if (next() == '.') {
            position++;
            digits(position);
            fraction = position - fraction - 1;
        } else {
            fraction = 0;
        }
        if (next() == 'e' || next() == 'E') {
            position++;
            exponent(start, fraction);
        }
        if (position - start > LONGEST_NUMBER) {
            throw failure(start, "a number is longer than " + LONGEST_NUMBER + " characters");
        }
    }

    /** Rejects exponents that a decimal number cannot have, because the agent's reader computes with them. */
    private void exponent(int start, int fraction) {
        boolean negative = next() == '-';
        position += negative || next() == '+' ? 1 : 0;
        int first = position;
        digits(first);
        long exponent = 0;
        for (int i = first; i < position; i++) {
            exponent = Math.min(10 * exponent + json[i] - '0', BEYOND_ANY_EXPONENT);
        }
        long scale = negative ? fraction + exponent : fraction - exponent;
        if ((int) scale != scale) {
            throw failure(start, "a number has an exponent out of range");
        }
    }

    private void digits(int start) {
        if (!isDigit(next())) {
            throw unexpected(position == start ? "a value" : "a digit");
        }
        while (isDigit(next())) {
            position++;
        }
    }

    private static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }

    private void skipBlanks() {
        while (position < json.length && " \t\n\r".indexOf(json[position]) >= 0) {
            position++;
        }
    }

    /** The byte that comes next, where the JSON cannot end. */
    private int peek() {
        if (position == json.length) {
            throw failure(position, "it ends in the middle");
        }
        return json[position];
    }

    /** The byte that comes next; zero, which may stand nowhere, at the end. */
    private int next() {
        return position == json.length ? 0 : json[position];
    }

    private CniException unexpected(String expected) {
        return failure(position, "expected " + expected);
    }

    private CniException failure(int place, String why) {
        int line = 1;
        int column = 1;
        for (int i = 0; i < place; i++) {
            if (json[i] == '\n') {
                line++;
                column = 1;
            } else if (!Utf8.isContinuation(json[i])) {
                column++;
            }
        }
        return undecodable("line " + line + ", column " + column + ": " + why);
    }

    private static CniException undecodable(String why) {
        return new CniException(ErrorCode.DECODING_FAILURE, "cannot decode JSON: " + why, "");
    }
}
