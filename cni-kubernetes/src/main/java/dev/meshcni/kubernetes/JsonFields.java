// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;

/**
 * Walks through JSON while it comes in. Fields that are not needed are skipped without buffering, however long they
 * are; a value of another type than the one that is asked for counts as absent.
 */
final class JsonFields {
    /**
     * Far beyond what etcd stores of an object; a single text has to fit into the memory of its parser to be measured.
     */
    private static final int LONGEST_TEXT = 4 << 20;

    private static final JsonFactory FACTORY = new JsonFactoryBuilder()
            // A table of names would grow for as long as a watch lives, and is keyed by what authors of pods write.
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(LONGEST_TEXT)
                    .maxNameLength(LONGEST_TEXT)
                    .build())
            .build();

    /** Reads the value of a field, at which the parser stands. */
    @FunctionalInterface
    interface Field {
        void read(String name) throws IOException;
    }

    /** Reads an element of an array, at which the parser stands. */
    @FunctionalInterface
    interface Element {
        void read() throws IOException;
    }

    private JsonFields() {}

    static JsonFactory factory() {
        return FACTORY;
    }

    /** Goes through the fields of an object; what the reader of a field leaves of its value is passed over. */
    static void object(JsonParser json, Field field) throws IOException {
        if (!json.hasToken(JsonToken.START_OBJECT)) {
            json.skipChildren();
            return;
        }
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            json.nextToken();
            field.read(name);
            json.skipChildren();
        }
    }

    /** Goes through the elements of an array. */
    static void array(JsonParser json, Element element) throws IOException {
        if (!json.hasToken(JsonToken.START_ARRAY)) {
            json.skipChildren();
            return;
        }
        JsonToken next = json.nextToken();
        while (next != JsonToken.END_ARRAY && next != null) {
            element.read();
            json.skipChildren();
            next = json.nextToken();
        }
    }

    static boolean isText(JsonParser json) {
        return json.hasToken(JsonToken.VALUE_STRING);
    }

    /** A number without a fraction that fits; zero for anything else. */
    static long number(JsonParser json) throws IOException {
        return json.hasToken(JsonToken.VALUE_NUMBER_INT) && json.getTextLength() < 19 ? json.getLongValue() : 0;
    }

    static boolean isNumber(JsonParser json) throws IOException {
        return json.hasToken(JsonToken.VALUE_NUMBER_INT) && json.getTextLength() < 19;
    }
}
