// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import com.fasterxml.jackson.core.JsonParser;
import dev.meshcni.rules.CutField;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The texts that are kept of one pod, within bounds; what does not fit is noted. */
final class BoundedTexts {
    /** The largest value, in characters: some 3600 ranges of addresses. */
    static final int MAX_VALUE = 64 << 10;

    /** The most that is kept of a pod, in characters. */
    static final int MAX_POD = 128 << 10;

    /** The largest number of containers, and of init containers. */
    static final int MAX_CONTAINERS = 256;

    private static final int MAX_NOTED = 8;

    /**
     * A text as it was read.
     *
     * @param value the text; empty if it is too long
     * @param length its length in characters
     */
    record Text(String value, int length) {
        static final Text NONE = new Text("", 0);
    }

    private final List<CutField> cut = new ArrayList<>();
    private int kept;

    /** Reads a text without a decision whether it is kept; a value that is no text is an empty one. */
    static Text read(JsonParser json) throws IOException {
        if (!JsonFields.isText(json)) {
            return Text.NONE;
        }
        int length = json.getTextLength();
        return new Text(length <= MAX_VALUE ? json.getText() : "", length);
    }

    /** Reads a text that is kept. */
    String keep(String field, JsonParser json) throws IOException {
        return keep(field, read(json));
    }

    /** Keeps a text; it becomes empty if that would be too much. */
    String keep(String field, Text text) {
        if (text.length() > MAX_VALUE) {
            cut(field, text.length(), MAX_VALUE);
            return "";
        }
        if (kept + text.length() > MAX_POD) {
            cut(field + " together with the preceding fields", kept + (long) text.length(), MAX_POD);
            return "";
        }
        kept += text.length();
        return text.value();
    }

    /** Notes a field that is not kept as a whole. */
    void cut(String field, long size, long bound) {
        if (cut.size() < MAX_NOTED) {
            cut.add(new CutField(field, size, bound));
        }
    }

    List<CutField> cut() {
        return List.copyOf(cut);
    }
}
