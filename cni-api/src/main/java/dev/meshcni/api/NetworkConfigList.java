// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A network configuration: a chain of plugins under one name (CNI specification 1.1, section 1, "Configuration
 * format"). A single plugin's configuration, the {@code .conf} of versions before 1.0.0, is a list of one. What is
 * valid here is what libcni loads, which is less strict than the specification.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class NetworkConfigList {
    /** The version strings that libcni can compare, released or not. */
    private static final Pattern VERSION = Pattern.compile("|[0-9]+(\\.[0-9]+){0,2}");

    private final String text;
    private final ObjectNode json;
    private final Fields fields;
    private final String name;
    private final String cniVersion;
    private final boolean single;
    private final List<Plugin> plugins;

    private NetworkConfigList(
            String text, ObjectNode json, String name, String cniVersion, boolean single, List<Plugin> plugins) {
        this.text = text;
        this.json = json;
        this.fields = fields(json);
        this.name = name;
        this.cniVersion = cniVersion;
        this.single = single;
        this.plugins = plugins;
    }

    /**
     * One plugin of the chain, as the file has it: without the name and version that the runtime adds.
     *
     * @param type the plugin's type, the name of its binary
     * @param capabilities what it can do with a runtime's parameters, and whether that is turned on
     * @param json its whole configuration, unknown fields included
     */
    public record Plugin(String type, Map<String, Boolean> capabilities, ObjectNode json) {
        public Plugin {
            Objects.requireNonNull(type, "type is null");
            capabilities = Map.copyOf(capabilities);
            json = json.deepCopy();
        }

        /** A copy of the configuration. */
        @Override
        public ObjectNode json() {
            return json.deepCopy();
        }

        /** The {@code type} of {@code ipam}; empty if there is none. */
        public Optional<String> ipamType() {
            return Optional.ofNullable(json.get("ipam"))
                    .map(ipam -> ipam.get("type"))
                    .filter(JsonNode::isTextual)
                    .map(JsonNode::textValue);
        }
    }

    /**
     * Reads a list, the content of a {@code .conflist}.
     *
     * @throws CniException {@link ErrorCode#DECODING_FAILURE} with line and column if it is not a JSON object,
     *     {@link ErrorCode#INVALID_NETWORK_CONFIG} naming the field that is missing or of the wrong type
     */
    public static NetworkConfigList parse(String text) {
        ObjectNode json = CniJson.lenientObject(text);
        Fields fields = fields(json);
        String name = fields.text("name").orElseThrow(() -> fields.missing("name"));
        if (!fields.has("plugins")) {
            throw fields.missing("plugins");
        }
        List<Plugin> plugins = fields.objects("plugins").stream()
                .map(NetworkConfigList::plugin)
                .toList();
        if (plugins.isEmpty()) {
            throw fields.invalid("plugins", "the list contains no plugins");
        }
        NetworkConfigList list = new NetworkConfigList(text, json, name, newestVersion(fields), false, plugins);
        list.requireFlags();
        return list;
    }

    /**
     * Reads a single plugin's configuration, the content of a {@code .conf} or {@code .json}.
     *
     * @throws CniException as {@link #parse} does
     */
    public static NetworkConfigList parseSingle(String text) {
        ObjectNode json = CniJson.lenientObject(text);
        Fields fields = fields(json);
        if (!fields.has("type") && fields.has("plugins")) {
            throw new CniException(
                    ErrorCode.INVALID_NETWORK_CONFIG,
                    "missing field type",
                    "this is a list of plugins, and runtimes only load lists from .conflist files");
        }
        Plugin plugin = plugin(fields);
        return new NetworkConfigList(
                text, json, fields.textOr("name", ""), fields.textOr("cniVersion", ""), true, List.of(plugin));
    }

    /** The network's name; may be empty or invalid if runtimes load it anyway and fail with the first pod. */
    public String name() {
        return name;
    }

    /**
     * The version that a runtime of specification 1.1 uses: the newest of {@code cniVersions}; empty if none is given.
     */
    public String cniVersion() {
        return cniVersion;
    }

    /**
     * {@link #cniVersion()} as a version.
     *
     * @throws CniException with {@link ErrorCode#INCOMPATIBLE_VERSION} if there is no such version
     */
    public SpecVersion specVersion() {
        return SpecVersion.ofConfiguration(cniVersion);
    }

    /** Returns whether runtimes must not call CHECK. */
    public boolean disableCheck() {
        return flag("disableCheck");
    }

    /** Returns whether runtimes must not call GC. */
    public boolean disableGc() {
        return flag("disableGC");
    }

    /** Returns whether runtimes must not add the plugins of files in the directory named like the network. */
    public boolean loadOnlyInlinedPlugins() {
        return flag("loadOnlyInlinedPlugins");
    }

    /** Returns whether this came from a single plugin's configuration. */
    public boolean single() {
        return single;
    }

    /** The plugins in the order of ADD; at least one. */
    public List<Plugin> plugins() {
        return plugins;
    }

    /** The text as read, character for character. */
    public String text() {
        return text;
    }

    /** A copy of the whole configuration, unknown fields included. */
    public ObjectNode json() {
        return json.deepCopy();
    }

    private void requireFlags() {
        List.of("disableCheck", "disableGC", "loadOnlyInlinedPlugins").forEach(this::flag);
    }

    /** As libcni: also in the form of a string, and never of a single plugin's configuration. */
    private boolean flag(String field) {
        JsonNode value = json.get(field);
        if (value == null || single) {
            return false;
        }
        String word = value.isTextual() ? value.textValue().toLowerCase(Locale.ROOT) : "";
        return switch (word) {
            case "true" -> true;
            case "false" -> false;
            default -> fields.bool(field).orElseThrow(() -> fields.invalid(field, "expected true or false"));
        };
    }

    private static Plugin plugin(Fields fields) {
        String type = fields.textOr("type", "");
        if (type.isEmpty()) {
            throw fields.missing("type");
        }
        return new Plugin(type, fields.flags("capabilities"), fields.json());
    }

    private static String newestVersion(Fields fields) {
        fields.requireNoNull("cniVersion");
        fields.requireNoNull("cniVersions");
        String single = fields.textOr("cniVersion", "");
        List<String> offered = new ArrayList<>(fields.strings("cniVersions"));
        for (String version : offered) {
            if (!VERSION.matcher(version).matches()) {
                throw fields.invalid("cniVersions", Quote.of(version) + " is not a version");
            }
        }
        if (!offered.isEmpty() && !VERSION.matcher(single).matches()) {
            throw fields.invalid("cniVersion", Quote.of(single) + " is not a version");
        }
        offered.add(single);
        return offered.stream()
                .flatMap(version -> SpecVersion.of(version).stream())
                .max(SpecVersion::compareTo)
                .map(SpecVersion::text)
                .orElse(single);
    }

    private static Fields fields(ObjectNode json) {
        return new Fields(json, "", ErrorCode.INVALID_NETWORK_CONFIG);
    }

    @Override
    public String toString() {
        return "NetworkConfigList[name=" + name + ", plugins="
                + plugins.stream().map(Plugin::type).toList() + "]";
    }
}
