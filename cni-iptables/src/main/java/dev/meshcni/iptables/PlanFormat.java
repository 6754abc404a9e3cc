// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.netfilter.IptablesRenderer;
import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.trace.JsonRenderer;
import dev.meshcni.trace.MermaidRenderer;
import dev.meshcni.trace.TreeRenderer;
import java.util.function.Function;

/** The forms in which the redirection of a pod can be shown. */
public enum PlanFormat {
    /** Input for {@code iptables-restore}, after a line {@code # ipv4} or {@code # ipv6} for each family. */
    iptables("# "),
    /** Input for {@code nft -f}, with the same lines before each family. */
    nft("# "),
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
            case iptables -> byFamily(plan, IptablesRenderer::render);
            case nft -> byFamily(plan, NftRenderer::script);
            case tree -> TreeRenderer.render(plan);
            case mermaid -> MermaidRenderer.render(plan);
            case json -> JsonRenderer.render(plan);
        };
    }

    /** Formats the rules of a pod. */
    public String redirected(Pod pod, RedirectPlan plan) {
        return switch (this) {
            case iptables, nft, tree, mermaid -> plan(plan);
            case json -> {
                ObjectNode document = document(pod, "redirect");
                if (plan.routing().filter(AmbientRules.ROUTING::equals).isPresent()) {
                    document.put("mode", "ambient");
                }
                yield document.setAll(parsed(JsonRenderer.render(plan))).toPrettyString() + "\n";
            }
        };
    }

    /** Formats the reason why a pod is not redirected. */
    public String skipped(Pod pod, Decision.Skip skip) {
        return switch (this) {
            case iptables, nft, tree, mermaid -> comment + "not redirected: " + skip.detail() + "\n";
            case json ->
                document(pod, "skip")
                                .put("reason", skip.reason().label())
                                .put("detail", skip.detail())
                                .toPrettyString()
                        + "\n";
        };
    }

    /** The line that tells the pods of a file apart; a JSON document names its pod itself. */
    public String heading(Pod pod) {
        return switch (this) {
            case iptables, nft, mermaid -> comment + "pod " + pod.qualifiedName() + "\n";
            case tree -> "pod " + pod.qualifiedName() + "\n";
            case json -> "";
        };
    }

    private static String byFamily(RedirectPlan plan, Function<RuleSet, String> renderer) {
        StringBuilder text = new StringBuilder();
        for (RuleSet rules : plan.ruleSets()) {
            text.append("# ").append(rules.family().label()).append('\n').append(renderer.apply(rules));
        }
        return text.toString();
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
