// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.config.DaemonException;
import dev.meshcni.core.Backends;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.iptables.Namespace;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.repair.PodNetns;
import dev.meshcni.repair.ProcPodNetnsFinder;
import dev.meshcni.rules.RuleDifference;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
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
            "  meshcni verify web-0 -n shop",
            "  meshcni verify -f pod.yaml --netns /var/run/netns/cni-1234",
            "  meshcni verify -f pod.yaml --netns /proc/4711/ns/net -o json"
        })
final class VerifyCommand implements Callable<Integer> {
    private static final String ON_THE_NODE =
            "run this on the pod's node as root, or there in the daemon's container by"
                    + " kubectl exec, or set --netns";

    /** The output format of differences. */
    enum Format {
        text,
        json
    }

    @Option(
            names = "--netns",
            paramLabel = "PATH",
            description = "The pod's network namespace: /var/run/netns/NAME or /proc/PID/ns/net. Default: found by"
                    + " the pod's UID among the processes of this node.")
    private Path netns;

    @Mixin
    private PodInput pod;

    @Mixin
    private FamilyOptions families;

    @Mixin
    private PolicyOptions policy;

    @Option(
            names = "--native-nftables",
            description = "Pods of this node are redirected with nftables (native_nftables in the configuration).")
    private boolean nativeNftables;

    @Option(
            names = {"-o", "--output", "--format"},
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
        Wanted decision = policy.wanted(which);
        List<RuleDifference> differences;
        Path path = Optional.ofNullable(netns).orElseGet(() -> find(which));
        try (NamespaceHandle namespace = backend.open(path, Deadline.after(Namespace.PATIENCE))) {
            differences = differences(namespace, decision);
        }
        PrintWriter out = spec.commandLine().getOut();
        switch (format) {
            case text -> out.print(text(which, decision, differences));
            case json -> out.println(json(which, decision, differences).toPrettyString());
        }
        out.flush();
        return differences.isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private static Path find(Pod which) {
        String uid = which.staticUid().isEmpty() ? which.uid() : which.staticUid();
        if (uid.isEmpty()) {
            throw new DaemonException("the manifest of " + which.qualifiedName()
                    + " has no metadata.uid by which its processes are found; set --netns");
        }
        Map<String, PodNetns> found;
        try {
            found = ProcPodNetnsFinder.ofHost().find(Set.of(uid));
        } catch (DaemonException e) {
            throw new DaemonException(
                    "cannot look for the processes of " + which.qualifiedName() + "; " + ON_THE_NODE + ": "
                            + e.getMessage(),
                    e);
        }
        return Optional.ofNullable(found.get(uid))
                .map(PodNetns::path)
                .orElseThrow(() -> new DaemonException(
                        "no process of " + which.qualifiedName() + " (UID " + uid + ") on this node; " + ON_THE_NODE));
    }

    private List<RuleDifference> differences(NamespaceHandle namespace, Wanted wanted) {
        return switch (wanted) {
            case Wanted.Sidecar(RedirectParameters parameters) ->
                namespace.differences(families.plan(parameters, namespace.addresses()));
            case Wanted.Ambient(AmbientOptions options) ->
                AmbientRules.differences(families.acceptable(options, namespace.addresses()), namespace::differences);
            case Wanted.Nothing _ -> namespace.differences(RedirectPlan.NONE);
        };
    }

    private static String text(Pod pod, Wanted decision, List<RuleDifference> differences) {
        StringBuilder text = new StringBuilder(pod.qualifiedName());
        switch (decision) {
            case Wanted.Sidecar _ -> text.append(" should be redirected, ");
            case Wanted.Ambient _ -> text.append(" should be redirected to ztunnel, ");
            case Wanted.Nothing(Decision.Skip skip) ->
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

    private static ObjectNode json(Pod pod, Wanted decision, List<RuleDifference> differences) {
        ObjectNode node = new ObjectMapper().createObjectNode();
        node.put("version", 1).put("pod", pod.qualifiedName());
        switch (decision) {
            case Wanted.Sidecar _ -> node.put("decision", "redirect");
            case Wanted.Ambient _ -> node.put("decision", "redirect").put("mode", "ambient");
            case Wanted.Nothing(Decision.Skip skip) ->
                node.put("decision", "skip").put("detail", skip.detail());
        }
        ArrayNode list = node.putArray("differences");
        differences.forEach(difference -> list.addObject()
                .put("kind", difference.kind().label())
                .put("place", difference.place())
                .put("detail", difference.detail()));
        return node;
    }
}
