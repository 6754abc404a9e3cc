// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.api.JsonString;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * A value in JSON that has been read and found to be well-formed: where it stands. Nothing of it is in memory a second
 * time until it is asked for.
 */
final class JsonSpan {
    /** The type of a JSON value. */
    enum Kind {
        OBJECT("an object"),
        LIST("a list"),
        STRING("a string"),
        NUMBER("a number"),
        BOOLEAN("a boolean"),
        NULL("null");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        /** The kind as text, for a message. */
        String words() {
            return words;
        }
    }

    private final byte[] json;
    private final int start;
    private final int end;

    /** The value from one place up to, without it, another one. */
    JsonSpan(byte[] json, int start, int end) {
        this.json = json;
        this.start = start;
        this.end = end;
    }

    Kind kind() {
        return switch (json[start]) {
            case '{' -> Kind.OBJECT;
            case '[' -> Kind.LIST;
            case '"' -> Kind.STRING;
            case 't', 'f' -> Kind.BOOLEAN;
            case 'n' -> Kind.NULL;
            default -> Kind.NUMBER;
        };
    }

    /** The text of a string. */
    String text() {
        StringBuilder text = new StringBuilder();
        int plain = start + 1;
        for (int at = plain; at < end; at++) {
            if (json[at] == '\\') {
                text.append(new String(json, plain, at - plain, UTF_8));
                text.append(escaped(at + 1));
                at += json[at + 1] == 'u' ? 5 : 1;
                plain = at + 1;
            }
        }
        return text.append(new String(json, plain, end - 1 - plain, UTF_8)).toString();
    }

    /** The length in bytes in the JSON. */
    int length() {
        return end - start;
    }

    /** Copies the value as it stands in the JSON to a place; returns where it ends. */
    int copy(byte[] into, int place) {
        System.arraycopy(json, start, into, place, end - start);
        return place + end - start;
    }

    /** The value as it stands in the JSON. */
    String source() {
        return new String(json, start, end - start, UTF_8);
    }

    /** A member of an object, if there is one of that name. */
    Optional<JsonSpan> member(String name) {
        byte[] plain = JsonString.of(name).getBytes(UTF_8);
        JsonSpan[] found = {null};
        forEachMember((key, value) -> {
            if (key.isText(name, plain)) {
                found[0] = value;
            }
        });
        return Optional.ofNullable(found[0]);
    }

    /**
     * Hands on name and value of each member of an object, one after the other: there may be more than fit into memory
     * as such.
     */
    void forEachMember(BiConsumer<JsonSpan, JsonSpan> members) {
        JsonSpan[] name = {null};
        forEachPart(part -> {
            if (name[0] == null) {
                name[0] = part;
            } else {
                members.accept(name[0], part);
                name[0] = null;
            }
        });
    }

    /** The values of an object, by their names. */
    Map<String, JsonSpan> members() {
        Map<String, JsonSpan> members = new LinkedHashMap<>();
        forEachMember((name, value) -> members.put(name.text(), value));
        return members;
    }

    /** The values of a list. */
    List<JsonSpan> elements() {
        List<JsonSpan> elements = new ArrayList<>();
        forEachPart(elements::add);
        return elements;
    }

    /** Visits the elements of an object or a list, both names and values. */
    private void forEachPart(Consumer<JsonSpan> parts) {
        for (int at = start + 1; at < end - 1; at++) {
            switch (json[at]) {
                case ' ', '\t', '\n', '\r', ',', ':' -> {}
                default -> {
                    int next = after(at);
                    parts.accept(new JsonSpan(json, at, next));
                    at = next - 1;
                }
            }
        }
    }

    /** Returns whether it is a string of some text. */
    boolean isText(String text) {
        return isText(text, JsonString.of(text).getBytes(UTF_8));
    }

    /** Returns whether it is a string of some text; that may be escaped, but mostly stands there as it is. */
    private boolean isText(String text, byte[] plain) {
        boolean escaped = false;
        boolean same = plain.length == end - start;
        for (int i = start; i < end; i++) {
            escaped |= json[i] == '\\';
            same = same && json[i] == plain[i - start];
        }
        return same || (escaped && text().equals(text));
    }

    /** The end of the value that starts at a position. */
    private int after(int place) {
        int depth = 0;
        int at = place;
        do {
            switch (json[at]) {
                case '{', '[' -> depth++;
                case '}', ']' -> depth--;
                case '"' -> at = endOfString(at);
                default -> {}
            }
            at++;
        } while (depth > 0 || (isWord(json[place]) && isWord(json[at])));
        return at;
    }

    private int endOfString(int place) {
        int at = place + 1;
        while (json[at] != '"') {
            at += json[at] == '\\' ? 2 : 1;
        }
        return at;
    }

    /** Returns whether it belongs to a number, or to true, false or null. */
    private static boolean isWord(byte c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '-' || c == '+' || c == '.';
    }

    private char escaped(int place) {
        return switch (json[place]) {
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> codeUnit(json, place + 1);
            default -> (char) json[place];
        };
    }

    /** The code unit that four hexadecimal digits at a place stand for. */
    static char codeUnit(byte[] json, int place) {
        int unit = 0;
        for (int i = 0; i < 4; i++) {
            unit = 16 * unit + Character.digit(json[place + i], 16);
        }
        return (char) unit;
    }
}
