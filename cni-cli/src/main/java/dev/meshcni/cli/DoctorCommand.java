// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.doctor.ClusterDoctor;
import dev.meshcni.doctor.ClusterReport;
import dev.meshcni.doctor.NodeDoctor;
import dev.meshcni.doctor.NodeReport;
import dev.meshcni.install.Installer;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Examines a node or a cluster, and reports its state, problems and remedies. */
@Command(
        name = "doctor",
        description = {
            "Diagnose this node: base CNI, conflicting configuration, and what an installation would change.",
            "With --cluster: check the prerequisites and the state of an installation in the whole cluster.",
            "",
            "Read-only."
        },
        exitCodeList = {
            "0:no error",
            "1:errors: pods fail, or are not redirected, until they are fixed; or the check failed",
            "2:usage error"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni doctor",
            "  meshcni doctor --cluster --context prod -o json",
            "",
            "Node options can also be set as environment variables, such as CNI_CONF_NAME."
        })
final class DoctorCommand implements Callable<Integer> {
    @Mixin
    private OutputOption output;

    @Mixin
    private NodeOptions node;

    @ArgGroup(exclusive = false, order = 100, heading = "%nCluster options:%n")
    private ClusterOptions cluster;

    @Spec
    private CommandSpec spec;

    /** The command with the environment as defaults of the node's options. */
    static CommandLine commandLine(Map<String, String> environment) {
        CommandLine command = new CommandLine(new DoctorCommand());
        return NodeOptions.withDefaults(NodeOptions.without(command, "--cni-conf-group-read"), environment);
    }

    @Override
    public Integer call() {
        return cluster != null && cluster.wanted() ? examineCluster() : examineNode();
    }

    private int examineCluster() {
        ClusterReport report = ClusterDoctor.examine(cluster.settings());
        PrintWriter out = spec.commandLine().getOut();
        out.print(
                switch (output.form()) {
                    case text -> Columns.fit(ClusterReportFormat.text(report));
                    case json -> ClusterReportFormat.json(report);
                });
        out.flush();
        return report.hasErrors() ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.OK;
    }

    private int examineNode() {
        Installer installer = node.installer();
        NodeReport report = new NodeDoctor(installer, node.idleJars()).examine();
        PrintWriter out = spec.commandLine().getOut();
        switch (output.form()) {
            case text -> print(installer, report, out);
            case json -> out.println(NodeReportJson.of(installer.settings().confDir(), report));
        }
        out.flush();
        return report.hasErrors() ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.OK;
    }

    private static void print(Installer installer, NodeReport report, PrintWriter out) {
        section(out, "Configuration in " + installer.settings().confDir(), report.configuration(), "no file");
        section(out, "Base CNI", List.of(report.baseCni()), "");
        section(out, "Chain adapters", report.adapters(), "none");
        section(out, "Plugin", List.of(report.plugin()), "");
        section(out, "Agent", List.of(report.agent()), "");
        section(
                out,
                "Findings",
                report.findings().stream().map(DoctorCommand::text).toList(),
                "none");
        section(out, "Installation plan", report.plan(), "no changes");
    }

    private static void section(PrintWriter out, String title, List<String> lines, String otherwise) {
        out.println(title);
        (lines.isEmpty() ? List.of(otherwise) : lines).forEach(line -> out.println(Columns.fit("  " + line)));
        out.println();
    }

    /** A finding in the words of this command. */
    static String text(Finding finding) {
        return text(finding.severity(), finding.what(), finding.remedy());
    }

    /** Formats a verdict, its subject and the remedy, which may be empty. */
    static String text(Enum<?> verdict, String what, String remedy) {
        return verdict.name().toLowerCase(Locale.ROOT) + ": " + what
                + (remedy.isEmpty() ? "" : "\n    remedy: " + remedy);
    }
}
