// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAffinity;
import io.fabric8.kubernetes.api.model.NodeSelector;
import io.fabric8.kubernetes.api.model.NodeSelectorRequirement;
import io.fabric8.kubernetes.api.model.NodeSelectorTerm;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.DaemonSetSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The nodes that a DaemonSet has pods on, by their names and labels: the node selector of its pods, and the node
 * affinity that they require (Kubernetes, "Assigning Pods to Nodes"). Taints do not count.
 *
 * @param labels the labels that a node has to have
 * @param terms of which a node has to meet one; empty if nothing is required
 */
public record NodeSelection(Map<String, String> labels, Optional<List<NodeSelectorTerm>> terms) {
    /** Every node that a daemon runs on has it, so no request is needed. */
    private static final Map.Entry<String, String> LINUX = Map.entry("kubernetes.io/os", "linux");

    /** The label that this machine's node has, by the name that Kubernetes has for its architecture. */
    private static final Map.Entry<String, String> ARCHITECTURE = Map.entry(
            "kubernetes.io/arch",
            switch (System.getProperty("os.arch")) {
                case "aarch64" -> "arm64";
                case "x86_64" -> "amd64";
                case String same -> same;
            });

    public NodeSelection {
        labels = Map.copyOf(labels);
        terms = terms.map(List::copyOf);
    }

    /** The node selection of a DaemonSet. */
    public static NodeSelection of(DaemonSet daemonSet) {
        Optional<PodSpec> pods = Optional.ofNullable(daemonSet.getSpec())
                .map(DaemonSetSpec::getTemplate)
                .map(PodTemplateSpec::getSpec);
        Map<String, String> labels =
                new HashMap<>(pods.map(PodSpec::getNodeSelector).orElse(Map.of()));
        labels.entrySet().remove(LINUX);
        return new NodeSelection(
                labels,
                pods.map(PodSpec::getAffinity)
                        .map(Affinity::getNodeAffinity)
                        .map(NodeAffinity::getRequiredDuringSchedulingIgnoredDuringExecution)
                        .map(NodeSelector::getNodeSelectorTerms));
    }

    /** Returns whether there is nothing that this machine's node could lack, whatever its other labels are. */
    boolean includesAllNodes() {
        return Set.of(ARCHITECTURE).containsAll(labels.entrySet()) && terms.isEmpty();
    }

    /** Returns whether a node is one of them. */
    public boolean includes(Node node) {
        Map<String, String> has = Objects.requireNonNullElse(node.getMetadata().getLabels(), Map.of());
        return has.entrySet().containsAll(labels.entrySet())
                && terms.map(any -> any.stream().anyMatch(term -> meets(node, has, term)))
                        .orElse(true);
    }

    /** A term that asks for nothing is met by no node. */
    private static boolean meets(Node node, Map<String, String> labels, NodeSelectorTerm term) {
        List<NodeSelectorRequirement> expressions = Objects.requireNonNullElse(term.getMatchExpressions(), List.of());
        List<NodeSelectorRequirement> fields = Objects.requireNonNullElse(term.getMatchFields(), List.of());
        Map<String, String> fieldValues =
                Map.of("metadata.name", node.getMetadata().getName());
        return !(expressions.isEmpty() && fields.isEmpty())
                && expressions.stream().allMatch(requirement -> meets(labels, requirement))
                && fields.stream().allMatch(requirement -> meets(fieldValues, requirement));
    }

    private static boolean meets(Map<String, String> values, NodeSelectorRequirement requirement) {
        Optional<String> value = Optional.ofNullable(values.get(requirement.getKey()));
        List<String> wanted = Objects.requireNonNullElse(requirement.getValues(), List.of());
        return switch (requirement.getOperator()) {
            case "In" -> value.filter(wanted::contains).isPresent();
            case "NotIn" -> value.filter(wanted::contains).isEmpty();
            case "Exists" -> value.isPresent();
            case "DoesNotExist" -> value.isEmpty();
            case "Gt" -> compare(value, wanted) > 0;
            case "Lt" -> compare(value, wanted) < 0;
            // Of a later Kubernetes: what cannot be understood is no reason to clean a node up.
            default -> true;
        };
    }

    /**
     * How a label compares with the one number that is asked for; 0, which meets neither, if one of them is no number.
     */
    private static int compare(Optional<String> value, List<String> wanted) {
        if (value.isEmpty() || wanted.size() != 1) {
            return 0;
        }
        try {
            return Long.compare(Long.parseLong(value.get()), Long.parseLong(wanted.getFirst()));
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
