// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.EnvironmentDefaults;
import dev.meshcni.manifest.Platform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Directories of the node for a command without flags: those that the daemon's container has mounted, or the node's own
 * where there are no such mounts, as on the node itself.
 */
final class NodeDefaults implements IDefaultValueProvider {
    private static final String CONF_DIR = "--mounted-cni-net-dir";
    private static final String BIN_DIR = "--cni-bin-target-dir";

    /** Platforms by what tells their nodes apart; the rest is laid out like one of them. */
    private static final List<Layout> PLATFORMS = Stream.of(
                    Platform.DEFAULT, Platform.GKE, Platform.K3S, Platform.MICROK8S, Platform.OPENSHIFT)
            .map(platform -> new Layout(Path.of(platform.confDirectory()), Path.of(platform.binDirectory())))
            .toList();

    /** Where a node has its configuration and its plugins. */
    record Layout(Path confDir, Path binDir) {
        private boolean isThere() {
            return Files.isDirectory(confDir) && Files.isDirectory(binDir);
        }
    }

    private final EnvironmentDefaults environment;
    private final List<Layout> layouts;

    NodeDefaults(EnvironmentDefaults environment) {
        this(environment, PLATFORMS);
    }

    /** The same for nodes with other directories. */
    NodeDefaults(EnvironmentDefaults environment, List<Layout> layouts) {
        this.environment = environment;
        this.layouts = List.copyOf(layouts);
    }

    @Override
    public String defaultValue(ArgSpec argument) {
        String value = environment.defaultValue(argument);
        boolean mounts = argument instanceof OptionSpec option
                && List.of(CONF_DIR, BIN_DIR).contains(option.longestName())
                && value != null
                && value.equals(option.defaultValue());
        return !mounts || Files.isDirectory(Path.of(value))
                ? value
                : onTheNode(((OptionSpec) argument).longestName()).orElse(value);
    }

    private Optional<String> onTheNode(String option) {
        return layouts.stream()
                .filter(Layout::isThere)
                .findFirst()
                .map(layout -> option.equals(CONF_DIR) ? layout.confDir() : layout.binDir())
                .map(Path::toString);
    }
}
