// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import dev.meshcni.config.ManifestException;
import dev.meshcni.config.ManifestException.Problem;
import dev.meshcni.config.Yaml;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Kubernetes' own types, read so that a field they do not have is an error. fabric8's types keep such fields aside, and
 * the API server would drop them without a word.
 */
final class StrictModel {
    private static final ObjectMapper JSON = mapper();

    private StrictModel() {}

    /**
     * Reads a part of a document as a type of fabric8's.
     *
     * @param name what the part is called in errors
     * @throws ManifestException if it has a field that the type has not, or a value of the wrong kind
     */
    static <T> T read(String name, Yaml part, Class<T> type) {
        try {
            return JSON.convertValue(part.json(), type);
        } catch (IllegalArgumentException e) {
            throw switch (e.getCause()) {
                case UnrecognizedPropertyException unknown -> unknown(name, part, unknown);
                case JsonMappingException wrong ->
                    new ManifestException(
                            part.locate(path(wrong)),
                            dotted(name, path(wrong)) + " has the wrong type for this Kubernetes field");
                case null, default ->
                    new ManifestException(part.at(), name + " is not what Kubernetes has at this place");
            };
        }
    }

    /** A mapper that refuses what the types do not have. */
    static ObjectMapper mapper() {
        return new ObjectMapper()
                .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, true)
                .setAnnotationIntrospector(new NothingAside());
    }

    private static ManifestException unknown(String name, Yaml part, UnrecognizedPropertyException unknown) {
        List<Object> path = path(unknown);
        Set<String> known =
                unknown.getKnownPropertyIds().stream().map(String::valueOf).collect(Collectors.toSet());
        return new ManifestException(List.of(new Problem(
                part.locate(path).toString(), "unknown key " + dotted(name, path), unknown.getPropertyName(), known)));
    }

    private static List<Object> path(JsonMappingException failure) {
        return failure.getPath().stream()
                .map(step -> step.getFieldName() == null ? (Object) step.getIndex() : step.getFieldName())
                .toList();
    }

    private static String dotted(String name, List<Object> path) {
        return path.stream()
                .map(step -> step instanceof Integer index ? "[" + index + "]" : "." + step)
                .collect(Collectors.joining("", name, ""));
    }

    private static final class NothingAside extends JacksonAnnotationIntrospector {
        private static final long serialVersionUID = 1L;

        @Override
        public Boolean hasAnySetter(Annotated annotated) {
            return false;
        }
    }
}
