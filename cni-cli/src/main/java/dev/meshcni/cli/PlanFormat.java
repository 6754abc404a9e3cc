package dev.meshcni.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.core.Decision;
import dev.meshcni.core.IptablesRenderer;
import dev.meshcni.core.JsonRenderer;
import dev.meshcni.core.MermaidRenderer;
import dev.meshcni.core.Pod;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleSet;
import dev.meshcni.core.TreeRenderer;

/** The forms in which the redirection of a pod can be shown. */
enum PlanFormat {
    /** Input for {@code iptables-restore}, after a line {@code # ipv4} or {@code # ipv6} for each family. */
    iptables("# "),
    /** A tree for people. */
    tree(""),
    /** A flow chart. */
    mermaid("%% "),
    /** For programs: {@link JsonRenderer}. */
    json("");

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String comment;

    PlanFormat(String comment) {
        this.comment = comment;
    }

    /** The rules of a plan, and in all but {@link #json} nothing else. */
    String plan(RedirectPlan plan) {
        return switch (this) {
            case iptables -> {
                StringBuilder text = new StringBuilder();
                for (RuleSet rules : plan.ruleSets()) {
                    text.append("# ").append(rules.family().label()).append('\n');
                    text.append(IptablesRenderer.render(rules));
                }
                yield text.toString();
            }
            case tree -> TreeRenderer.render(plan);
            case mermaid -> MermaidRenderer.render(plan);
            case json -> JsonRenderer.render(plan);
        };
    }

    /** What a pod gets. */
    String redirected(Pod pod, RedirectPlan plan) {
        return switch (this) {
            case iptables, tree, mermaid -> plan(plan);
            case json ->
                document(pod, "redirect")
                                .setAll(parsed(JsonRenderer.render(plan)))
                                .toPrettyString() + "\n";
        };
    }

    /** Why a pod gets nothing. */
    String skipped(Pod pod, Decision.Skip skip) {
        return switch (this) {
            case iptables, tree, mermaid -> comment + "not redirected: " + skip.detail() + "\n";
            case json ->
                document(pod, "skip")
                                .put("reason", skip.reason().label())
                                .put("detail", skip.detail())
                                .toPrettyString()
                        + "\n";
        };
    }

    /** The line that tells the pods of a file apart; a JSON document names its pod itself. */
    String heading(Pod pod) {
        return switch (this) {
            case iptables, mermaid -> comment + "pod " + pod.qualifiedName() + "\n";
            case tree -> "pod " + pod.qualifiedName() + "\n";
            case json -> "";
        };
    }

    private static ObjectNode document(Pod pod, String decision) {
        return JSON.createObjectNode().put("pod", pod.qualifiedName()).put("decision", decision);
    }

    private static ObjectNode parsed(String text) {
        try {
            return (ObjectNode) JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a plan is well-formed JSON", e);
        }
    }
}
