// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.ConstructNode;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.resolver.ScalarResolver;
import org.snakeyaml.engine.v2.scanner.StreamReader;
import org.snakeyaml.engine.v2.schema.Schema;

/**
 * Reads YAML with the position of everything: several documents, anchors, aliases and merge keys, and values as
 * kubectl, Helm and istioctl resolve them.
 */
public final class YamlFile {
    private static final int MAX_DEPTH = 64;

    /**
     * How many values aliases may stand for: a few aliases of aliases expand to more values than fit in memory. Without
     * them, a text has fewer values than characters.
     */
    private static final int MAX_EXPANDED = 100_000;

    private static final Pattern INDENTATION = Pattern.compile("(?m)^[ \\t]+");

    private static final String MERGE = "<<";

    /** Each document may begin with one; at the beginning of the text the parser knows it. */
    private static final String BYTE_ORDER_MARK = "\ufeff";

    /** What a scalar is when neither quotes nor a tag say it. */
    private static final Tag PLAIN = new Tag("!plain");

    private static final Set<Tag> STANDARD = Set.of(Tag.BOOL, Tag.FLOAT, Tag.INT, Tag.NULL);

    /** Leaves it to us what a scalar means. */
    private record Unresolved() implements Schema {
        @Override
        public ScalarResolver getScalarResolver() {
            return (_, implicit) -> implicit ? PLAIN : Tag.STR;
        }

        @Override
        public Map<Tag, ConstructNode> getSchemaTagConstructors() {
            return Map.of();
        }
    }

    private final String source;
    private final int maxValues;
    private int values;

    private YamlFile(String source, int maxValues) {
        this.source = source;
        this.maxValues = maxValues;
    }

    /**
     * The documents of a file that are not empty.
     *
     * @throws ManifestException if it is not UTF-8, it is not YAML, or a document is no mapping
     */
    public static List<Yaml.Mapping> documents(String source, byte[] bytes) {
        return documents(source, YamlText.decode(source, bytes));
    }

    /**
     * The documents of a text that are not empty.
     *
     * @throws ManifestException if it is not YAML, or a document is no mapping
     */
    public static List<Yaml.Mapping> documents(String source, String text) {
        return read(source, text).stream()
                .map(value -> switch (value) {
                    case Yaml.Mapping mapping -> mapping;
                    case Yaml.Scalar _, Yaml.Sequence _ -> throw new ManifestException(value.at(), "must be a mapping");
                })
                .toList();
    }

    /**
     * The value of a text that is one document, a list for example; JSON is YAML as well.
     *
     * @return the value; empty if there is none
     * @throws ManifestException if it is not YAML, or there are several documents
     */
    public static Optional<Yaml> value(String source, String text) {
        List<Yaml> values = read(source, text);
        if (values.size() > 1) {
            throw new ManifestException(values.get(1).at(), "is a second document where one is possible");
        }
        return values.stream().findFirst();
    }

    private static List<Yaml> read(String source, String text) {
        YamlFile file = new YamlFile(source, MAX_EXPANDED + text.length());
        String unmarked = spaced(text.replace("\n" + BYTE_ORDER_MARK, "\n"));
        LoadSettings settings = LoadSettings.builder()
                .setLabel(source)
                .setSchema(new Unresolved())
                .setAllowDuplicateKeys(true)
                .setAllowNonScalarKeys(true)
                .setMaxAliasesForCollections(Integer.MAX_VALUE)
                .build();
        List<Yaml> values = new ArrayList<>();
        try {
            Composer composer = new Composer(settings, new ParserImpl(settings, new StreamReader(settings, unmarked)));
            while (composer.hasNext()) {
                Node node = composer.next();
                if (!isNull(node)) {
                    values.add(file.convert(node, 0));
                }
            }
        } catch (YamlEngineException e) {
            throw new YamlSyntax(source, unmarked).explain(e);
        }
        return values;
    }

    /** JSON indented by tabs, which YAML has as separators only. */
    private static String spaced(String text) {
        String json = text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
        return json.stripLeading().startsWith("{") || json.stripLeading().startsWith("[")
                ? INDENTATION
                        .matcher(json)
                        .replaceAll(tabs -> " ".repeat(tabs.group().length()))
                : text;
    }

    private static boolean isNull(Node node) {
        return node instanceof ScalarNode scalar && scalar(scalar).equals(Yaml.Scalar.NULL);
    }

    private Yaml convert(Node node, int depth) {
        Yaml.Position at = position(node.getStartMark());
        if (depth > MAX_DEPTH) {
            throw new ManifestException(at, "is nested deeper than " + MAX_DEPTH + " levels");
        }
        if (++values > maxValues) {
            throw new ManifestException(
                    at, "aliases stand for more than " + MAX_EXPANDED + " values; use fewer aliases of aliases");
        }
        return switch (node) {
            case ScalarNode scalar -> new Yaml.Scalar(at, scalar(scalar));
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

    /** Keys of a mapping win over those that {@code <<} merges into it, and of several merged mappings the first. */
    private Yaml.Mapping mapping(MappingNode node, Yaml.Position at, int depth) {
        Map<String, Yaml.Entry> entries = new LinkedHashMap<>();
        List<Yaml.Mapping> merged = new ArrayList<>();
        for (NodeTuple tuple : node.getValue()) {
            Yaml.Position keyAt = position(tuple.getKeyNode().getStartMark());
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                throw new ManifestException(
                        keyAt, "a key must be a text; a template such as {{ .Values.x }} has to be rendered first");
            }
            if (key.getValue().equals(MERGE) && key.getTag().equals(PLAIN)) {
                merged.addAll(merged(tuple.getValueNode(), depth));
                continue;
            }
            Yaml.Entry entry = new Yaml.Entry(keyAt, convert(tuple.getValueNode(), depth + 1));
            if (entries.put(key.getValue(), entry) != null) {
                throw new ManifestException(keyAt, "the key " + key.getValue() + " is duplicated");
            }
        }
        merged.forEach(mapping -> mapping.entries().forEach(entries::putIfAbsent));
        return new Yaml.Mapping(at, entries);
    }

    private List<Yaml.Mapping> merged(Node node, int depth) {
        List<Node> nodes = node instanceof SequenceNode sequence ? sequence.getValue() : List.of(node);
        List<Yaml.Mapping> mappings = new ArrayList<>();
        for (Node part : nodes) {
            if (!(convert(part, depth + 1) instanceof Yaml.Mapping mapping)) {
                throw new ManifestException(
                        position(part.getStartMark()), "<< takes a mapping, or a list of mappings, such as *NAME");
            }
            mappings.add(mapping);
        }
        return mappings;
    }

    private static Object scalar(ScalarNode scalar) {
        return scalar.getTag().equals(PLAIN) || STANDARD.contains(scalar.getTag())
                ? PlainScalar.value(scalar.getValue())
                : scalar.getValue();
    }

    private Yaml.Position position(Optional<Mark> mark) {
        return mark.map(found -> new Yaml.Position(source, found.getLine() + 1, found.getColumn() + 1))
                .orElseGet(() -> new Yaml.Position(source, 0, 0));
    }
}
