// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.telemetry;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.Finding.Severity;
import dev.meshcni.core.ShortLine;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The status that the daemon reports about its node at {@value #PATH} of the health port, as JSON: enough to see from
 * afar what the API server does not know, and nothing about pods but their number.
 *
 * @param version the version of the daemon
 * @param notReady why the node is not ready for pods; empty when it is
 * @param backend what redirects, such as {@code iptables-nft 1.8.9}
 * @param pods the number of pods that are known
 * @param installation how the plugin is installed; empty where the daemon installs nothing
 * @param findings what an operator has to know about the node's CNI configuration
 */
public record AgentStatus(
        String version,
        Optional<String> notReady,
        String backend,
        int pods,
        Optional<Installation> installation,
        List<Finding> findings) {
    public static final String PATH = "/status";

    private static final int MAX_FINDINGS = 20;

    /**
     * How the plugin is installed.
     *
     * @param baseCni the type of the base CNI's first plugin; empty if there is none
     * @param adapter the chain adapter that answers; empty if none does
     * @param file the configuration file that our plugin stands in; empty if there is none
     * @param chained whether the plugin is chained behind the base CNI
     * @param confDir the directory of configuration files, as the host sees it
     * @param binDir the directory of plugins, as the host sees it
     */
    public record Installation(
            String baseCni, String adapter, String file, boolean chained, String confDir, String binDir) {
        public Installation {
            requireNonNull(baseCni, "baseCni is null");
            requireNonNull(adapter, "adapter is null");
            requireNonNull(file, "file is null");
            requireNonNull(confDir, "confDir is null");
            requireNonNull(binDir, "binDir is null");
        }
    }

    public AgentStatus {
        requireNonNull(version, "version is null");
        requireNonNull(notReady, "notReady is null");
        requireNonNull(backend, "backend is null");
        requireNonNull(installation, "installation is null");
        findings = findings.stream().limit(MAX_FINDINGS).toList();
    }

    /**
     * Reads what {@link #json} has written. A field that is absent is empty, so that versions of the two sides may
     * differ.
     *
     * @throws dev.meshcni.api.CniException if it is not JSON
     */
    public static AgentStatus parse(String json) {
        JsonNode status = CniJson.object(json.getBytes(StandardCharsets.UTF_8));
        return new AgentStatus(
                text(status, "version"),
                Optional.of(text(status, "notReady")).filter(reason -> !reason.isEmpty()),
                text(status, "backend"),
                status.path("pods").asInt(),
                status.path("installation").isObject()
                        ? Optional.of(installation(status.path("installation")))
                        : Optional.empty(),
                status.path("findings")
                        .valueStream()
                        .flatMap(AgentStatus::finding)
                        .toList());
    }

    /** The JSON, without a line break. */
    public String json() {
        ObjectNode status = JsonNodeFactory.instance.objectNode();
        status.put("version", version).put("ready", notReady.isEmpty());
        notReady.ifPresent(reason -> status.put("notReady", ShortLine.of(reason)));
        status.put("backend", backend).put("pods", pods);
        installation.ifPresent(found -> status.putObject("installation")
                .put("baseCni", found.baseCni())
                .put("chainAdapter", found.adapter())
                .put("file", found.file())
                .put("chained", found.chained())
                .put("confDir", found.confDir())
                .put("binDir", found.binDir()));
        ArrayNode list = status.putArray("findings");
        findings.forEach(finding -> list.addObject()
                .put("severity", finding.severity().name().toLowerCase(Locale.ROOT))
                .put("what", ShortLine.of(finding.what()))
                .put("remedy", ShortLine.of(finding.remedy())));
        return CniJson.compact(status);
    }

    private static Installation installation(JsonNode node) {
        return new Installation(
                text(node, "baseCni"),
                text(node, "chainAdapter"),
                text(node, "file"),
                node.path("chained").asBoolean(true),
                text(node, "confDir"),
                text(node, "binDir"));
    }

    /** A severity of a later version is left out rather than guessed. */
    private static Stream<Finding> finding(JsonNode node) {
        String remedy = text(node, "remedy").isEmpty() ? "check the daemon's log" : text(node, "remedy");
        return Stream.of(Severity.values())
                .filter(severity -> severity.name().equalsIgnoreCase(text(node, "severity")))
                .map(severity -> new Finding(severity, text(node, "what"), remedy));
    }

    /** Text of another program, which goes to a terminal. */
    private static String text(JsonNode node, String field) {
        return ShortLine.of(node.path(field).asText(""));
    }
}
