// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.core.Backends;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.iptables.Namespace;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Compares a pod's network namespace with what it should hold. */
@Command(
        name = "verify",
        description = "Compare a pod's network namespace with the expected rules and print the differences. Changes"
                + " nothing.",
        exitCodeList = {"0:no differences", "1:differences found, or the check failed", "2:usage error"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni verify --netns /var/run/netns/cni-1234 --pod pod.yaml",
            "  meshcni verify --netns /proc/4711/ns/net --pod pod.yaml --format json"
        })
final class VerifyCommand implements Callable<Integer> {

    /** The output format of differences. */
    enum Format {
        text,
        json
    }

    @Option(
            names = "--netns",
            required = true,
            paramLabel = "PATH",
            description = "The pod's network namespace: /var/run/netns/NAME or /proc/PID/ns/net.")
    private Path netns;

    @Mixin
    private PodFile pod;

    @Mixin
    private FamilyOptions families;

    @Mixin
    private PolicyOptions policy;

    @Option(
            names = "--native-nftables",
            description = "Pods of this node are redirected with nftables (native_nftables in the configuration).")
    private boolean nativeNftables;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Format format;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Pod which = pod.pod().pod();
        RedirectBackend backend = Backends.of(ServiceLoader.load(RedirectBackend.class))
                .named(nativeNftables ? Backends.NFTABLES : Backends.DEFAULT);
        Decision decision = policy.decide(which);
        List<RuleDifference> differences;
        try (NamespaceHandle namespace = backend.open(netns, Deadline.after(Namespace.PATIENCE))) {
            differences = namespace.differences(wanted(namespace, decision));
        }
        PrintWriter out = spec.commandLine().getOut();
        switch (format) {
            case text -> out.print(text(which, decision, differences));
            case json -> out.println(json(which, decision, differences).toPrettyString());
        }
        out.flush();
        return differences.isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private RedirectPlan wanted(NamespaceHandle namespace, Decision decision) {
        return switch (decision) {
            case Decision.Redirect(RedirectParameters parameters) -> families.plan(parameters, namespace.addresses());
            case Decision.Skip _ -> RedirectPlan.NONE;
        };
    }

    private static String text(Pod pod, Decision decision, List<RuleDifference> differences) {
        StringBuilder text = new StringBuilder(pod.qualifiedName());
        switch (decision) {
            case Decision.Redirect _ -> text.append(" should be redirected, ");
            case Decision.Skip skip ->
                text.append(" should not be redirected (").append(skip.detail()).append("), ");
        }
        text.append(
                differences.isEmpty()
                        ? "and its network namespace matches.\n"
                        : "but its network namespace has " + differences.size()
                                + (differences.size() == 1 ? " difference:\n" : " differences:\n"));
        differences.forEach(difference -> text.append("  ").append(difference).append('\n'));
        return text.toString();
    }

    private static ObjectNode json(Pod pod, Decision decision, List<RuleDifference> differences) {
        ObjectNode node = new ObjectMapper().createObjectNode();
        node.put("version", 1).put("pod", pod.qualifiedName());
        switch (decision) {
            case Decision.Redirect _ -> node.put("decision", "redirect");
            case Decision.Skip skip -> node.put("decision", "skip").put("detail", skip.detail());
        }
        ArrayNode list = node.putArray("differences");
        differences.forEach(difference -> list.addObject()
                .put("kind", difference.kind().label())
                .put("place", difference.place())
                .put("detail", difference.detail()));
        return node;
    }
}
