package dev.meshcni.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniError;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.api.SpecVersion;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.StringJoiner;

/** The forms of what a plugin prints (CNI specification 1.1, section 5). */
final class PluginReplies {
    private static final int FAILED = 1;
    private static final String CNI_VERSION = "cniVersion";

    private PluginReplies() {}

    /** Success of an operation that prints nothing. */
    static AgentProtocol.Reply empty() {
        return new AgentProtocol.Reply(0, new byte[0]);
    }

    /** Success of ADD: what the plugins before left, unchanged, in the version that was asked for. */
    static AgentProtocol.Reply passThrough(CniRequest request) {
        return new AgentProtocol.Reply(0, bytes(previous(request.config())));
    }

    /**
     * Success of VERSION, in the version that was asked in. Written by hand: for this one line the plugin's process would
     * load a JSON library.
     */
    static AgentProtocol.Reply version(SpecVersion asked) {
        StringJoiner supported = new StringJoiner("\",\"", "[\"", "\"]");
        for (SpecVersion version : SpecVersion.all()) {
            supported.add(version.text());
        }
        String reply = "{\"cniVersion\":\"" + asked.text() + "\",\"supportedVersions\":" + supported + "}";
        return new AgentProtocol.Reply(0, reply.getBytes(StandardCharsets.UTF_8));
    }

    /** Failure of any operation. */
    static AgentProtocol.Reply error(SpecVersion version, CniException failure) {
        return new AgentProtocol.Reply(
                FAILED, bytes(CniError.of(failure, version).toJson()));
    }

    /** The version that an unusable request names, as far as it can be read; else the newest. */
    static SpecVersion versionOf(byte[] stdin) {
        try {
            return PluginConfig.parse(stdin).cniVersion();
        } catch (CniException e) {
            return SpecVersion.latest();
        }
    }

    /** The result is converted only where its version is another one; without any, there is nothing to report. */
    private static ObjectNode previous(PluginConfig config) {
        SpecVersion version = config.cniVersion();
        Optional<ObjectNode> previous = config.object("prevResult");
        boolean otherVersion = previous.map(result -> result.path(CNI_VERSION).asText(version.text()))
                .filter(text -> !text.equals(version.text()))
                .isPresent();
        if (otherVersion) {
            return config.prevResult().orElseThrow().toJson(version);
        }
        ObjectNode result = JsonNodeFactory.instance.objectNode().put(CNI_VERSION, version.text());
        previous.ifPresent(result::setAll);
        // In its own place, also where the previous result says null.
        result.put(CNI_VERSION, version.text());
        return result;
    }

    private static byte[] bytes(JsonNode json) {
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }
}
