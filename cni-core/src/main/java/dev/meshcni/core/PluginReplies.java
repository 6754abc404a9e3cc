// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.JsonString;
import dev.meshcni.api.SpecVersion;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The forms of what a plugin prints (CNI specification 1.1, section 5), written without a JSON library: the plugin has
 * none.
 */
public final class PluginReplies {
    private static final int FAILED = 1;

    private PluginReplies() {}

    /** Success of an operation that prints nothing. */
    public static AgentProtocol.Reply empty() {
        return new AgentProtocol.Reply(0, new byte[0]);
    }

    /** Success of VERSION, in the version that was asked in. */
    public static AgentProtocol.Reply version(SpecVersion asked) {
        List<String> supported = new ArrayList<>();
        SpecVersion.all().forEach(version -> supported.add(JsonString.of(version.text())));
        return reply(
                0,
                "{\"cniVersion\":" + JsonString.of(asked.text()) + ",\"supportedVersions\":["
                        + String.join(",", supported) + "]}");
    }

    /** Failure of any operation; its object is that of {@link dev.meshcni.api.CniError}. */
    public static AgentProtocol.Reply error(SpecVersion version, CniException failure) {
        String details = failure.details().isEmpty() ? "" : ",\"details\":" + JsonString.of(failure.details());
        return reply(
                FAILED,
                "{\"cniVersion\":" + JsonString.of(version.text()) + ",\"code\":" + failure.code() + ",\"msg\":"
                        + JsonString.of(failure.getMessage()) + details + "}");
    }

    private static AgentProtocol.Reply reply(int exitCode, String json) {
        return new AgentProtocol.Reply(exitCode, json.getBytes(StandardCharsets.UTF_8));
    }
}
