package dev.meshcni.cli;

import dev.meshcni.daemon.InstallEvents;
import dev.meshcni.daemon.Installer;
import dev.meshcni.daemon.InstallerOptions;
import dev.meshcni.daemon.InstallerSettings;
import dev.meshcni.daemon.PluginOptions;
import picocli.CommandLine.Mixin;

/** What the commands that are about a node have in common: where everything is, and what is to stand there. */
final class NodeOptions {
    @Mixin
    private InstallerOptions installer;

    @Mixin
    private PluginOptions plugin;

    InstallerSettings settings() {
        return installer.settings(plugin);
    }

    /**
     * The installer for the node.
     *
     * @throws dev.meshcni.daemon.DaemonException if a chain adapter cannot be used
     */
    Installer installer() {
        return Installer.of(settings(), installer.adapters(), InstallEvents.none());
    }
}
