// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.install.AgentQuestion;
import dev.meshcni.install.Installer;
import dev.meshcni.install.InstallerSettings;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Takes back what was installed on a node. */
@Command(
        name = "uninstall",
        description = {
            "Remove the plugin from this node's CNI configuration, then its files, then the agent's run directory.",
            "",
            "Configuration files are restored byte for byte. A version that is still in use by a running plugin is"
                    + " kept."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni uninstall",
            "  meshcni uninstall --mounted-cni-net-dir /etc/cni/net.d --cni-bin-target-dir /opt/cni/bin",
            "",
            "Node options can also be set as environment variables, such as CNI_CONF_NAME."
        })
final class UninstallCommand implements Callable<Integer> {
    private static final Duration TIME_FOR_PLUGINS = Duration.ofSeconds(10);

    @Mixin
    private NodeOptions node;

    @Option(
            names = "--force",
            description = "Uninstall even if a daemon runs on this node, which may install the plugin again.")
    private boolean force;

    @Spec
    private CommandSpec spec;

    /** The command with the environment as its defaults. */
    static CommandLine commandLine(Map<String, String> environment) {
        CommandLine command = NodeOptions.without(
                new CommandLine(new UninstallCommand()),
                "--cni-conf-group-read",
                "--exclude-namespaces",
                "--force-unchained-conf",
                "--native-nftables",
                "--plugin-log-level",
                "--plugin-source-dir",
                "--pod-namespace");
        return NodeOptions.withDefaults(command, environment);
    }

    @Override
    public Integer call() throws InterruptedException {
        InstallerSettings settings = node.settings();
        if (!force && new AgentQuestion(settings.runDirectory()).isAnswered()) {
            spec.commandLine()
                    .getErr()
                    .println(spec.qualifiedName() + ": a daemon runs on this node and would reinstall the plugin:"
                            + " delete its DaemonSet, which also uninstalls it, or use --force");
            return CommandLine.ExitCode.SOFTWARE;
        }
        Installer installer = node.installer();
        Optional<String> attached = installer.attachedPods();
        installer.uninstall(TIME_FOR_PLUGINS);
        spec.commandLine()
                .getOut()
                .println("uninstalled from " + settings.confDir() + " and " + settings.binDirOnHost());
        attached.ifPresent(pods -> spec.commandLine().getErr().println("warning: " + pods));
        return CommandLine.ExitCode.OK;
    }
}
