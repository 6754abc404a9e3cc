// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.api.JsonString;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * A part of JSON that is to be printed: what stands in the input is copied from there once, and never a text in
 * between.
 */
sealed interface JsonPart {
    /** The JSON, in UTF-8. */
    static byte[] bytes(JsonPart part) {
        byte[] bytes = new byte[part.length()];
        part.write(bytes, 0);
        return bytes;
    }

    /** A string. */
    static JsonPart string(String text) {
        return new Written(JsonString.of(text).getBytes(UTF_8));
    }

    /** The length in bytes. */
    int length();

    /** Writes it to a place; returns where it ends. */
    int write(byte[] into, int place);

    /** A part copied from the input. */
    record Copied(JsonSpan span) implements JsonPart {
        @Override
        public int length() {
            return span.length();
        }

        @Override
        public int write(byte[] into, int place) {
            return span.copy(into, place);
        }
    }

    /** A part that is not in the input. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Written(byte[] json) implements JsonPart {
        @Override
        public int length() {
            return json.length;
        }

        @Override
        public int write(byte[] into, int place) {
            System.arraycopy(json, 0, into, place, json.length);
            return place + json.length;
        }
    }

    /** An object that is in the input, with another value of one of its members, which comes first. */
    record Changed(JsonSpan object, String name, JsonPart value) implements JsonPart {
        @Override
        public int length() {
            int[] length = {2 + string(name).length() + 1 + value.length()};
            forEachOther((key, other) -> length[0] += 1 + key.length() + 1 + other.length());
            return length[0];
        }

        @Override
        public int write(byte[] into, int place) {
            int[] at = {place};
            into[at[0]++] = '{';
            at[0] = string(name).write(into, at[0]);
            into[at[0]++] = ':';
            at[0] = value.write(into, at[0]);
            forEachOther((key, other) -> {
                into[at[0]++] = ',';
                at[0] = key.copy(into, at[0]);
                into[at[0]++] = ':';
                at[0] = other.copy(into, at[0]);
            });
            into[at[0]++] = '}';
            return at[0];
        }

        private void forEachOther(BiConsumer<JsonSpan, JsonSpan> others) {
            object.forEachMember((key, other) -> {
                if (!key.isText(name)) {
                    others.accept(key, other);
                }
            });
        }
    }

    /** A list. */
    record Sequence(List<? extends JsonPart> elements) implements JsonPart {
        @Override
        public int length() {
            int length = 2 + Math.max(0, elements.size() - 1);
            for (JsonPart element : elements) {
                length += element.length();
            }
            return length;
        }

        @Override
        public int write(byte[] into, int place) {
            int at = place;
            into[at++] = '[';
            for (JsonPart element : elements) {
                if (at > place + 1) {
                    into[at++] = ',';
                }
                at = element.write(into, at);
            }
            into[at++] = ']';
            return at;
        }
    }

    /** An object, in the order of its members. */
    record Members(Map<String, JsonPart> values) implements JsonPart {
        @Override
        public int length() {
            int length = 2 + Math.max(0, values.size() - 1);
            for (Map.Entry<String, JsonPart> member : values.entrySet()) {
                length +=
                        string(member.getKey()).length() + 1 + member.getValue().length();
            }
            return length;
        }

        @Override
        public int write(byte[] into, int place) {
            int at = place;
            into[at++] = '{';
            for (Map.Entry<String, JsonPart> member : values.entrySet()) {
                if (at > place + 1) {
                    into[at++] = ',';
                }
                at = string(member.getKey()).write(into, at);
                into[at++] = ':';
                at = member.getValue().write(into, at);
            }
            into[at++] = '}';
            return at;
        }
    }
}
