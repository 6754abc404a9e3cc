// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Typed access to the fields of a JSON object. A field that is absent or {@code null} is empty; one of the wrong type
 * is a {@link CniException} with the code given, and its message names the field by its whole path.
 */
final class Fields {
    private final ObjectNode json;
    private final String path;
    private final int errorCode;

    Fields(ObjectNode json, String path, int errorCode) {
        this.json = json;
        this.path = path;
        this.errorCode = errorCode;
    }

    Optional<String> text(String field) {
        return value(field).map(node -> {
            if (!node.isTextual()) {
                throw wrong(field, "a string", node);
            }
            return node.textValue();
        });
    }

    String textOr(String field, String otherwise) {
        return text(field).orElse(otherwise);
    }

    Optional<Boolean> bool(String field) {
        return value(field).map(node -> {
            if (!node.isBoolean()) {
                throw wrong(field, "true or false", node);
            }
            return node.booleanValue();
        });
    }

    OptionalLong number(String field) {
        Optional<JsonNode> node = value(field);
        if (node.isEmpty()) {
            return OptionalLong.empty();
        }
        if (!node.get().isIntegralNumber() || !node.get().canConvertToLong()) {
            throw wrong(field, "an integer", node.get());
        }
        return OptionalLong.of(node.get().longValue());
    }

    List<String> strings(String field) {
        List<String> strings = new ArrayList<>();
        for (JsonNode element : list(field)) {
            if (!element.isTextual()) {
                throw wrong(field + "[" + strings.size() + "]", "a string", element);
            }
            strings.add(element.textValue());
        }
        return List.copyOf(strings);
    }

    Optional<ObjectNode> object(String field) {
        return value(field).map(node -> {
            if (node instanceof ObjectNode object) {
                return object;
            }
            throw wrong(field, "an object", node);
        });
    }

    Optional<Fields> fields(String field) {
        return object(field).map(object -> new Fields(object, name(field), errorCode));
    }

    /** The objects of a list, each with its own path. */
    List<Fields> objects(String field) {
        List<Fields> objects = new ArrayList<>();
        for (JsonNode element : list(field)) {
            String indexed = field + "[" + objects.size() + "]";
            if (!(element instanceof ObjectNode object)) {
                throw wrong(indexed, "an object", element);
            }
            objects.add(new Fields(object, name(indexed), errorCode));
        }
        return objects;
    }

    /** The fields of an object, each of which is true or false. */
    Map<String, Boolean> flags(String field) {
        Map<String, Boolean> flags = new LinkedHashMap<>();
        fields(field)
                .ifPresent(all -> all.json
                        .fieldNames()
                        .forEachRemaining(name -> all.bool(name).ifPresent(on -> flags.put(name, on))));
        return flags;
    }

    /** All fields but those named, in their order. */
    Map<String, JsonNode> others(Set<String> known) {
        Map<String, JsonNode> others = new LinkedHashMap<>();
        json.properties().forEach(entry -> {
            if (!known.contains(entry.getKey())) {
                others.put(entry.getKey(), entry.getValue().deepCopy());
            }
        });
        return others;
    }

    /** Refuses what libcni refuses, where it tells a field that is {@code null} from one that is absent. */
    void requireNoNull(String field) {
        if (json.path(field).isNull()) {
            throw invalid(field, "it is null");
        }
    }

    boolean has(String field) {
        return json.has(field);
    }

    ObjectNode json() {
        return json;
    }

    CniException missing(String field) {
        return new CniException(errorCode, "missing field " + name(field), "");
    }

    CniException invalid(String field, String why) {
        return new CniException(errorCode, "invalid field " + name(field) + ": " + why, "");
    }

    private CniException wrong(String field, String expected, JsonNode found) {
        return invalid(field, "expected " + expected + ", got " + CniJson.kind(found));
    }

    private Iterable<JsonNode> list(String field) {
        Optional<JsonNode> node = value(field);
        if (node.isPresent() && !node.get().isArray()) {
            throw wrong(field, "a list", node.get());
        }
        return () ->
                node.map(JsonNode::elements).orElseGet(() -> List.<JsonNode>of().iterator());
    }

    private Optional<JsonNode> value(String field) {
        return Optional.ofNullable(json.get(field)).filter(node -> !node.isNull());
    }

    private String name(String field) {
        return path.isEmpty() ? field : path + "." + field;
    }
}
