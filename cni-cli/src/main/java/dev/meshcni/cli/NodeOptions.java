// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.DaemonException;
import dev.meshcni.config.EnvironmentDefaults;
import dev.meshcni.install.InstallEvents;
import dev.meshcni.install.Installer;
import dev.meshcni.install.InstallerOptions;
import dev.meshcni.install.InstallerSettings;
import dev.meshcni.install.PluginOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Options shared by the commands that work on a node: its directories and the configuration to install. */
final class NodeOptions {
    /** The field of each command that has these options. */
    private static final String MIXIN = "node";

    @Mixin
    private InstallerOptions installer;

    @Mixin
    private PluginOptions plugin;

    /**
     * The settings that the options give.
     *
     * @throws DaemonException if there is no directory of configuration, as on a machine that is no node
     */
    InstallerSettings settings() {
        InstallerSettings settings = installer.settings(plugin);
        if (!Files.isDirectory(settings.confDir())) {
            throw new DaemonException(settings.confDir() + " does not exist: run it on a node, or name the node's"
                    + " directories, as in --mounted-cni-net-dir /etc/cni/net.d --cni-bin-target-dir /opt/cni/bin");
        }
        return settings;
    }

    /**
     * Gives the options of the node the environment as their defaults, and no other option of the command: variables
     * such as NAMESPACE, OUTPUT and FORCE mean too many things for that.
     */
    static CommandLine withDefaults(CommandLine commandLine, Map<String, String> environment) {
        NodeDefaults defaults = new NodeDefaults(new EnvironmentDefaults(environment));
        Set<String> names = commandLine.getCommandSpec().mixins().get(MIXIN).options().stream()
                .map(OptionSpec::longestName)
                .collect(Collectors.toUnmodifiableSet());
        return commandLine.setDefaultValueProvider(
                argument -> argument instanceof OptionSpec option && names.contains(option.longestName())
                        ? defaults.defaultValue(argument)
                        : argument.defaultValue());
    }

    /** Leaves out options that only matter for what a command does not do. */
    static CommandLine without(CommandLine commandLine, String... options) {
        CommandSpec spec = commandLine.getCommandSpec();
        Stream.of(options).map(spec::findOption).forEach(spec::remove);
        return commandLine;
    }

    /** The jars in the directory of chain adapters that provide none. */
    List<Path> idleJars() {
        return installer.idleJars();
    }

    /**
     * The installer for the node.
     *
     * @throws DaemonException if there is no directory of configuration, or a chain adapter cannot be used
     */
    Installer installer() {
        return Installer.of(settings(), installer.adapters(), InstallEvents.none());
    }
}
