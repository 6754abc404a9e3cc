// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.config.Yaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * A mapping of a kubeconfig.
 *
 * @param file the file in which it stands, absolute: paths are relative to its directory
 * @param place the file and what it is about, for messages
 * @param fields its fields
 */
record Section(Path file, String place, Yaml.Mapping fields) {
    /**
     * What a field holds, inline or in a file.
     *
     * @param place where it comes from, for messages
     * @param text the content, which is PEM
     */
    record Material(String place, String text) {
        Material {
            requireNonNull(place, "place is null");
            requireNonNull(text, "text is null");
        }
    }

    Section {
        requireNonNull(file, "file is null");
        requireNonNull(place, "place is null");
        requireNonNull(fields, "fields is null");
    }

    /** A section of the same file without any field. */
    Section empty(String name) {
        return new Section(file, "kubeconfig " + file + ": " + name, Yaml.Mapping.empty(fields.at()));
    }

    /** The value of a field as text; absent if it is missing or empty. */
    Optional<String> text(String field) {
        return value(field)
                .map(value -> {
                    if (value instanceof Yaml.Scalar scalar) {
                        return String.valueOf(scalar.plain());
                    }
                    throw wrong(field, "must be text");
                })
                .filter(text -> !text.isEmpty());
    }

    /** Whether a field is true. */
    boolean flag(String field) {
        return switch (text(field).orElse("false")) {
            case "true" -> true;
            case "false" -> false;
            default -> throw wrong(field, "must be true or false");
        };
    }

    /** The texts of a list; none if it is missing. */
    List<String> texts(String field) {
        return items(field).stream()
                .map(item -> {
                    if (item instanceof Yaml.Scalar scalar) {
                        return String.valueOf(scalar.plain());
                    }
                    throw wrong(field, "must be a list of texts");
                })
                .toList();
    }

    /** The mappings of a list; none if it is missing. */
    List<Section> list(String field) {
        return items(field).stream()
                .map(item -> {
                    if (item instanceof Yaml.Mapping mapping) {
                        return new Section(file, place, mapping);
                    }
                    throw wrong(field, "must be a list of mappings");
                })
                .toList();
    }

    /** The mapping of a field, with a place of its own; without fields if it is missing. */
    Section section(String field, String itsPlace) {
        return optionalSection(field, itsPlace)
                .orElseGet(() -> new Section(file, itsPlace, Yaml.Mapping.empty(fields.at())));
    }

    /** The mapping of a field, if it is there. */
    Optional<Section> optionalSection(String field, String itsPlace) {
        return value(field).map(value -> {
            if (value instanceof Yaml.Mapping mapping) {
                return new Section(file, itsPlace, mapping);
            }
            throw wrong(field, "must be a mapping");
        });
    }

    /** The path that a field names. */
    Optional<Path> path(String field) {
        return text(field).map(text -> file.resolveSibling(text).normalize());
    }

    /** The content of {@code FIELD-data}, else that of the file that a field names. */
    Optional<Material> material(String field) {
        String inline = field + "-data";
        return text(inline)
                .map(text -> new Material(place + ": " + inline, decoded(inline, text)))
                .or(() -> path(field).map(path -> new Material(place + ": " + field + " " + path, read(field, path))));
    }

    DaemonException wrong(String field, String reason) {
        return new DaemonException(place + ": " + field + " " + reason);
    }

    private String decoded(String field, String text) {
        try {
            return new String(Base64.getMimeDecoder().decode(text), ISO_8859_1);
        } catch (IllegalArgumentException e) {
            throw new DaemonException(place + ": " + field + " is not Base64", e);
        }
    }

    private String read(String field, Path path) {
        try {
            return Files.readString(path, ISO_8859_1);
        } catch (NoSuchFileException e) {
            throw new DaemonException(place + ": " + field + " " + path + " does not exist", e);
        } catch (IOException e) {
            throw new DaemonException(place + ": " + field + " " + path + " is not readable for this user", e);
        }
    }

    private Optional<Yaml> value(String field) {
        return Optional.ofNullable(fields.entries().get(field))
                .map(Yaml.Entry::value)
                .filter(value ->
                        !(value instanceof Yaml.Scalar scalar && scalar.plain().equals(Yaml.Scalar.NULL)));
    }

    private List<Yaml> items(String field) {
        return value(field)
                .map(value -> {
                    if (value instanceof Yaml.Sequence sequence) {
                        return sequence.items();
                    }
                    throw wrong(field, "must be a list");
                })
                .orElse(List.of());
    }
}
