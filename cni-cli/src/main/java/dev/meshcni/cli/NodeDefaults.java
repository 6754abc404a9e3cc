// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.EnvironmentDefaults;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Directories of the node for a command that only looks: those that the daemon's container has mounted, or the node's
 * own where there are no such mounts, as on the node itself.
 */
final class NodeDefaults implements IDefaultValueProvider {
    private static final Map<String, Path> ON_THE_NODE = Map.of(
            "--mounted-cni-net-dir", Path.of("/etc/cni/net.d"),
            "--cni-bin-target-dir", Path.of("/opt/cni/bin"));

    private final EnvironmentDefaults environment;
    private final Map<String, Path> onTheNode;

    NodeDefaults(EnvironmentDefaults environment) {
        this(environment, ON_THE_NODE);
    }

    /** The same with other directories, by option. */
    NodeDefaults(EnvironmentDefaults environment, Map<String, Path> onTheNode) {
        this.environment = environment;
        this.onTheNode = Map.copyOf(onTheNode);
    }

    @Override
    public String defaultValue(ArgSpec argument) {
        String value = environment.defaultValue(argument);
        if (argument instanceof OptionSpec option && value != null && value.equals(option.defaultValue())) {
            Path own = onTheNode.get(option.longestName());
            if (own != null && !Files.isDirectory(Path.of(value)) && Files.isDirectory(own)) {
                return own.toString();
            }
        }
        return value;
    }
}
