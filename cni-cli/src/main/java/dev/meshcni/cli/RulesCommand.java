// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.iptables.PlanFormat;
import dev.meshcni.kubernetes.PodManifests;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.rules.InvalidParameterException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows what a pod would get, without touching anything. */
@Command(
        name = "rules",
        description = "Show the rules for a pod, or the reason why it has none. Changes nothing.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni rules web-0 -n shop",
            "  meshcni rules -f pod.yaml -o tree",
            "  kubectl get pod web-0 -o yaml | meshcni rules -f - | less",
            "  meshcni rules -f pod.yaml --ip-families ipv4,ipv6 -o mermaid",
            "  meshcni rules -f pod.yaml --ambient -o tree"
        })
final class RulesCommand implements Callable<Integer> {
    @Mixin
    private PodInput pod;

    @Mixin
    private FamilyOptions families;

    @Option(
            names = {"-o", "--output", "--format"},
            paramLabel = "FORMAT",
            defaultValue = "iptables",
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}, for iptables-restore.")
    private PlanFormat format;

    @Mixin
    private PolicyOptions policy;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        List<PodManifests.Shown> pods = pod.pods();
        PrintWriter out = spec.commandLine().getOut();
        int failed = 0;
        for (PodManifests.Shown shown : pods) {
            Pod each = shown.pod();
            if (pods.size() > 1) {
                out.print(format.heading(each));
            }
            try {
                out.print(show(shown));
            } catch (InvalidParameterException e) {
                failed++;
                spec.commandLine()
                        .getErr()
                        .println(spec.qualifiedName() + ": " + each.qualifiedName() + ": " + e.getMessage());
            }
        }
        out.flush();
        return failed == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private String show(PodManifests.Shown shown) {
        Pod each = shown.pod();
        return switch (policy.wanted(each)) {
            case Wanted.Sidecar(RedirectParameters parameters) ->
                format.redirected(each, families.plan(parameters, shown.addresses()));
            case Wanted.Ambient(AmbientOptions options) ->
                format.redirected(each, families.plan(options, shown.addresses()));
            case Wanted.Nothing(Decision.Skip skip) -> format.skipped(each, skip);
        };
    }
}
