// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.Finding.Severity;
import dev.meshcni.install.InstallState;
import dev.meshcni.install.Installer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Installs the plugin on a node once, as {@code install-cni} does all the time. */
@Command(
        name = "install",
        description = {
            "Install the plugin on this node and chain it behind the base CNI, once, without the daemon.",
            "",
            "The daemon install-cni does the same and keeps it in place. Pods of the mesh do not start without its"
                    + " agent.",
            "",
            "Warnings and errors about the configuration are printed to standard error, as by meshcni doctor."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:installed",
            "1:not installed; or installed, but pods fail until the reported errors are fixed",
            "2:usage error"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni install",
            "  meshcni install --mounted-cni-net-dir /etc/cni/net.d --cni-bin-target-dir /opt/cni/bin",
            "",
            "Node options can also be set as environment variables, such as CNI_CONF_NAME."
        })
final class InstallCommand implements Callable<Integer> {
    @Mixin
    private NodeOptions node;

    @Spec
    private CommandSpec spec;

    /** The command with the environment as its defaults. */
    static CommandLine commandLine(Map<String, String> environment) {
        return NodeOptions.withDefaults(new CommandLine(new InstallCommand()), environment);
    }

    @Override
    public Integer call() {
        Installer installer = node.installer();
        InstallState state = installer.installOnce();
        if (state instanceof InstallState.Installed installed) {
            spec.commandLine()
                    .getOut()
                    .println(installed.file() + " calls version " + installed.version()
                            + " of the plugin (chain adapter " + installed.adapter() + ")");
            return report(installer.findings());
        }
        String reason = state.notReady().orElseThrow();
        spec.commandLine().getErr().println(spec.qualifiedName() + ": " + reason);
        return CommandLine.ExitCode.SOFTWARE;
    }

    private int report(List<Finding> findings) {
        findings.stream()
                .filter(finding -> finding.severity() != Severity.INFO)
                .map(DoctorCommand::text)
                .forEach(spec.commandLine().getErr()::println);
        boolean podsFail = findings.stream().anyMatch(finding -> finding.severity() == Severity.ERROR);
        return podsFail ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.OK;
    }
}
