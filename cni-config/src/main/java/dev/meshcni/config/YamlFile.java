// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/** Reads YAML (1.2, core schema) with the position of everything. */
public final class YamlFile {
    private static final int MAX_DEPTH = 64;

    private final String source;

    private YamlFile(String source) {
        this.source = source;
    }

    /**
     * The documents of a text that are not empty.
     *
     * @throws ManifestException if it is not YAML, or a document is no mapping
     */
    public static List<Yaml.Mapping> documents(String source, String text) {
        YamlFile file = new YamlFile(source);
        LoadSettings settings = LoadSettings.builder()
                .setLabel(source)
                .setSchema(new CoreSchema())
                .setAllowDuplicateKeys(false)
                .build();
        List<Yaml.Mapping> documents = new ArrayList<>();
        try {
            Composer composer = new Composer(settings, new ParserImpl(settings, new StreamReader(settings, text)));
            while (composer.hasNext()) {
                Node node = composer.next();
                if (!node.getTag().equals(Tag.NULL)) {
                    documents.add(file.document(node));
                }
            }
        } catch (MarkedYamlEngineException e) {
            throw new ManifestException(file.position(e.getProblemMark()), "invalid YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            throw new ManifestException(file.position(Optional.empty()), "invalid YAML: " + e.getMessage());
        }
        return documents;
    }

    private Yaml.Mapping document(Node node) {
        if (convert(node, 0) instanceof Yaml.Mapping mapping) {
            return mapping;
        }
        throw new ManifestException(position(node.getStartMark()), "must be a mapping");
    }

    private Yaml convert(Node node, int depth) {
        Yaml.Position at = position(node.getStartMark());
        if (depth > MAX_DEPTH) {
            throw new ManifestException(at, "is nested deeper than " + MAX_DEPTH + " levels");
        }
        return switch (node) {
            case ScalarNode scalar -> new Yaml.Scalar(at, value(scalar, at));
            case SequenceNode sequence ->
                new Yaml.Sequence(
                        at,
                        sequence.getValue().stream()
                                .map(item -> convert(item, depth + 1))
                                .toList());
            case MappingNode mapping -> mapping(mapping, at, depth);
            default -> throw new ManifestException(at, "is not supported here");
        };
    }

    private Yaml.Mapping mapping(MappingNode node, Yaml.Position at, int depth) {
        Map<String, Yaml.Entry> entries = new LinkedHashMap<>();
        for (NodeTuple tuple : node.getValue()) {
            Yaml.Position keyAt = position(tuple.getKeyNode().getStartMark());
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                throw new ManifestException(keyAt, "a key must be a plain scalar");
            }
            Yaml.Entry entry = new Yaml.Entry(keyAt, convert(tuple.getValueNode(), depth + 1));
            if (entries.put(key.getValue(), entry) != null) {
                throw new ManifestException(keyAt, "the key " + key.getValue() + " is duplicated");
            }
        }
        return new Yaml.Mapping(at, entries);
    }

    /** Numbers of any size: most belong to other components, and are passed over. */
    private static Object value(ScalarNode scalar, Yaml.Position at) {
        String text = scalar.getValue();
        Tag tag = scalar.getTag();
        try {
            if (tag.equals(Tag.BOOL)) {
                return Boolean.valueOf(text);
            }
            if (tag.equals(Tag.INT)) {
                return integer(text);
            }
            if (tag.equals(Tag.FLOAT)) {
                return decimal(text);
            }
        } catch (NumberFormatException e) {
            throw new ManifestException(at, text + " is not a number");
        }
        return tag.equals(Tag.NULL) ? Yaml.Scalar.NULL : text;
    }

    /** The core schema (YAML 1.2, section 10.3.2): 0o is octal, 0x hexadecimal, and a leading zero means nothing. */
    private static Number integer(String text) {
        BigInteger value = text.startsWith("0o")
                ? new BigInteger(text.substring(2), 8)
                : text.startsWith("0x") ? new BigInteger(text.substring(2), 16) : new BigInteger(text);
        if (value.bitLength() < Integer.SIZE) {
            return value.intValueExact();
        }
        return value.bitLength() < Long.SIZE ? (Number) value.longValueExact() : value;
    }

    private static Double decimal(String text) {
        String word = text.toLowerCase(Locale.ROOT);
        if (word.endsWith(".nan")) {
            return Double.NaN;
        }
        if (word.endsWith(".inf")) {
            return word.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        return Double.valueOf(text);
    }

    private Yaml.Position position(Optional<Mark> mark) {
        return mark.map(found -> new Yaml.Position(source, found.getLine() + 1, found.getColumn() + 1))
                .orElseGet(() -> new Yaml.Position(source, 0, 0));
    }
}
