// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.config.DaemonException;
import dev.meshcni.config.LogLevels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options that the plugin and its agent have to agree on: they become the plugin's configuration. */
public final class PluginOptions {
    private static final String TYPE = "istio-cni";

    /** Of the 107 bytes of {@code sun_path}, {@code /agent.sock.} and eight digits are the agent's. */
    private static final int LONGEST_RUN_DIRECTORY = 87;

    @Option(
            names = "--cni-agent-run-dir",
            paramLabel = "DIR",
            defaultValue = "/var/run/istio-cni",
            description = "Run directory for the agent's socket; must be accessible to root only. Default:"
                    + " ${DEFAULT-VALUE}.")
    private Path agentRunDirectory;

    @Option(
            names = "--exclude-namespaces",
            paramLabel = "NAMESPACE",
            split = ",",
            converter = NamespaceNames.class,
            description = "Namespaces whose pods are not redirected.")
    private List<String> excludedNamespaces = List.of();

    @Option(
            names = "--pod-namespace",
            paramLabel = "NAMESPACE",
            defaultValue = "",
            description = "Namespace of this daemon's own pod.")
    private String podNamespace;

    @Option(
            names = "--plugin-log-level",
            paramLabel = "LEVEL",
            converter = PluginLogLevel.class,
            defaultValue = "info",
            description = {
                "Log level of the plugin for calls that the agent did not answer: debug, info, warn, error, fatal or"
                        + " none.",
                "Default: ${DEFAULT-VALUE}."
            })
    private String pluginLogLevel;

    @Option(
            names = "--native-nftables",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Use nftables instead of iptables.")
    private boolean nativeNftables;

    /** Names of namespaces (RFC 1123); space around them and what is empty is no mistake. */
    private static final class NamespaceNames implements ITypeConverter<String> {
        private static final Pattern LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

        @Override
        public String convert(String text) {
            String name = text.strip();
            if (name.isEmpty() || LABEL.matcher(name).matches()) {
                return name;
            }
            throw new TypeConversionException("'" + name + "' is not the name of a namespace: at most 63 lower-case"
                    + " letters, digits and -, separated by commas");
        }
    }

    /** A level by its name. */
    private static final class PluginLogLevel implements ITypeConverter<String> {
        @Override
        public String convert(String text) {
            String name = text.toLowerCase(Locale.ROOT);
            List<String> levels = Stream.of(LogLevels.Level.values())
                    .map(LogLevels.Level::label)
                    .toList();
            if (levels.contains(name)) {
                return name;
            }
            throw new TypeConversionException("expected one of " + levels + " but was '" + text + "'");
        }
    }

    /** For picocli, which fills it. */
    public PluginOptions() {}

    /** The plugin's configuration, as Istio's installer writes it. */
    ObjectNode entry() {
        ObjectNode entry = JsonNodeFactory.instance
                .objectNode()
                .put("name", TYPE)
                .put("type", TYPE)
                .put("plugin_log_level", pluginLogLevel)
                .put("cni_agent_run_dir", agentRunDirectory().toString());
        ArrayNode excluded = entry.putArray("exclude_namespaces");
        excludedNamespaces().forEach(excluded::add);
        return entry.put("pod_namespace", podNamespace).put("native_nftables", nativeNftables);
    }

    /**
     * The agent's run directory, absolute: the plugin is started somewhere else.
     *
     * @throws DaemonException if a socket's name in it would be longer than the kernel allows
     */
    public Path agentRunDirectory() {
        Path directory = agentRunDirectory.isAbsolute()
                ? agentRunDirectory
                : agentRunDirectory.toAbsolutePath().normalize();
        int length = directory.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > LONGEST_RUN_DIRECTORY) {
            throw new DaemonException("--cni-agent-run-dir " + directory + " is " + length + " bytes long, and at most "
                    + LONGEST_RUN_DIRECTORY + " leave room for the agent's socket (unix(7)); choose a shorter path");
        }
        return directory;
    }

    public Set<String> excludedNamespaces() {
        return excludedNamespaces.stream()
                .filter(namespace -> !namespace.isEmpty())
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    public String podNamespace() {
        return podNamespace;
    }

    public boolean nativeNftables() {
        return nativeNftables;
    }
}
