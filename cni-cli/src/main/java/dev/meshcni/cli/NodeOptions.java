// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.DaemonException;
import dev.meshcni.install.InstallEvents;
import dev.meshcni.install.Installer;
import dev.meshcni.install.InstallerOptions;
import dev.meshcni.install.InstallerSettings;
import dev.meshcni.install.PluginOptions;
import java.nio.file.Files;
import picocli.CommandLine.Mixin;

/** Options shared by the commands that work on a node: its directories and the configuration to install. */
final class NodeOptions {
    @Mixin
    private InstallerOptions installer;

    @Mixin
    private PluginOptions plugin;

    /**
     * The settings that the options give.
     *
     * @throws DaemonException if there is no directory of configuration, with where it usually is: the defaults are
     *     those of the daemon's container
     */
    InstallerSettings settings() {
        InstallerSettings settings = installer.settings(plugin);
        if (!Files.isDirectory(settings.confDir())) {
            throw new DaemonException(settings.confDir() + " does not exist; on the node itself use"
                    + " --mounted-cni-net-dir /etc/cni/net.d --cni-bin-target-dir /opt/cni/bin");
        }
        return settings;
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
