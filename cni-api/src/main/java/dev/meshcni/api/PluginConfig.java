// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One plugin's configuration as it arrives on standard input (CNI specification 1.1, section 1, "Plugin configuration
 * objects", and section 3, "Deriving execution configuration from plugin configuration"). Fields that are not known
 * here stay in {@link #json}.
 *
 * <p>Accessors throw {@link CniException} with {@link ErrorCode#INVALID_NETWORK_CONFIG} where a field has the wrong
 * type; the message names the field.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class PluginConfig implements ConfigFields {
    private static final String VALID_ATTACHMENTS = "cni.dev/valid-attachments";
    /** The name in the first text of specification 1.1.0; libcni sends both. */
    private static final String ATTACHMENTS = "cni.dev/attachments";

    private final ObjectNode json;
    private final Fields fields;
    private final SpecVersion cniVersion;
    private final String name;
    private final String type;
    /** Null until it is asked for: most calls pass the result on as it is. */
    private Optional<CniResult> prevResult;

    private PluginConfig(ObjectNode json, SpecVersion cniVersion, String name, String type) {
        this.json = json;
        this.fields = fields(json);
        this.cniVersion = cniVersion;
        this.name = name;
        this.type = type;
    }

    /**
     * Reads a configuration.
     *
     * @throws CniException {@link ErrorCode#DECODING_FAILURE} if this is not one JSON object,
     *     {@link ErrorCode#INCOMPATIBLE_VERSION} for a {@code cniVersion} that has not been released, and
     *     {@link ErrorCode#INVALID_NETWORK_CONFIG} for a name that is missing or invalid, or a field of the wrong type
     */
    public static PluginConfig parse(byte[] stdin) {
        ObjectNode json = CniJson.object(stdin);
        Fields fields = fields(json);
        SpecVersion version = SpecVersion.ofConfiguration(fields.textOr("cniVersion", ""));
        String name = fields.textOr("name", "");
        requireNetworkName(name);
        return new PluginConfig(json, version, name, fields.textOr("type", ""));
    }

    /**
     * Makes sure that a text can be the name of a network (CNI specification 1.1, section 1).
     *
     * @throws CniException with {@link ErrorCode#INVALID_NETWORK_CONFIG} if it cannot
     */
    public static void requireNetworkName(String name) {
        if (name.isEmpty()) {
            throw new CniException(ErrorCode.INVALID_NETWORK_CONFIG, "missing field name", "");
        }
        if (!CniEnvironment.isIdentifier(name)) {
            throw new CniException(
                    ErrorCode.INVALID_NETWORK_CONFIG,
                    "invalid field name: " + Quote.of(name)
                            + ", a letter or digit, then letters, digits, '_', '.' and '-' are expected",
                    "");
        }
    }

    /** Reads what comes with VERSION: perhaps nothing, perhaps a {@code cniVersion} of the future. */
    static PluginConfig parseForVersion(byte[] stdin) {
        ObjectNode json = stdin.length == 0 ? CniJson.newObject() : CniJson.object(stdin);
        Fields fields = fields(json);
        SpecVersion version = SpecVersion.of(fields.textOr("cniVersion", "")).orElse(SpecVersion.latest());
        return new PluginConfig(json, version, fields.textOr("name", ""), fields.textOr("type", ""));
    }

    /** The version to answer in. */
    public SpecVersion cniVersion() {
        return cniVersion;
    }

    /** The network's name; empty only with VERSION. */
    public String name() {
        return name;
    }

    /** The plugin's type, which is the name of its binary; empty if the caller left it out. */
    public String type() {
        return type;
    }

    /** The result of the previous plugins in the chain, or the final result of ADD. */
    public Optional<CniResult> prevResult() {
        if (prevResult == null) {
            prevResult = fields.object("prevResult").map(this::parsed);
        }
        return prevResult;
    }

    private CniResult parsed(ObjectNode result) {
        try {
            return CniResult.parse(result, cniVersion);
        } catch (CniException e) {
            throw new CniException(
                    ErrorCode.INVALID_NETWORK_CONFIG, "invalid prevResult: " + e.getMessage(), e.details(), e);
        }
    }

    /** GC: the attachments that are still in use. Empty if the runtime does not say, which is not the same as none. */
    public Optional<List<Attachment>> validAttachments() {
        String field = json.has(VALID_ATTACHMENTS) ? VALID_ATTACHMENTS : ATTACHMENTS;
        if (!json.has(field)) {
            return Optional.empty();
        }
        return Optional.of(fields.objects(field).stream()
                .map(attachment -> new Attachment(
                        attachment.text("containerID").orElseThrow(() -> attachment.missing("containerID")),
                        attachment.text("ifname").orElseThrow(() -> attachment.missing("ifname"))))
                .toList());
    }

    /** The {@code type} of {@code ipam}. */
    public Optional<String> ipamType() {
        return fields.fields("ipam").flatMap(ipam -> ipam.text("type"));
    }

    /** The {@code dns} of the configuration; empty lists where there is none. */
    public Dns dns() {
        return fields.fields("dns").map(Dns::read).orElse(Dns.NONE);
    }

    /** The capabilities of the plugin for {@link #runtimeConfig}, and whether each is enabled. */
    public Map<String, Boolean> capabilities() {
        return fields.flags("capabilities");
    }

    /** The values that the runtime passes for the plugin's capabilities. */
    public Optional<ObjectNode> runtimeConfig() {
        return object("runtimeConfig");
    }

    @Override
    public Optional<String> text(String field) {
        return fields.text(field);
    }

    @Override
    public List<String> strings(String field) {
        return fields.strings(field);
    }

    /** A field that is true or false. */
    public Optional<Boolean> bool(String field) {
        return fields.bool(field);
    }

    /** A copy of a field that is an object. */
    public Optional<ObjectNode> object(String field) {
        return fields.object(field).map(ObjectNode::deepCopy);
    }

    /** A copy of the whole configuration, unknown fields included. */
    public ObjectNode json() {
        return json.deepCopy();
    }

    private static Fields fields(ObjectNode json) {
        return new Fields(json, "", ErrorCode.INVALID_NETWORK_CONFIG);
    }

    @Override
    public String toString() {
        return "PluginConfig[cniVersion=" + cniVersion + ", name=" + name + ", type=" + type + "]";
    }
}
