// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.rules.RuleText;
import dev.meshcni.trace.Packet;
import dev.meshcni.trace.PacketExplanation;
import dev.meshcni.trace.PacketTrace;
import dev.meshcni.trace.PacketTrace.Step;
import dev.meshcni.trace.PacketTrace.Verdict;
import java.util.Locale;

/** Writes a trace for programs. {@code docs/json-output.md} describes the format, which is stable. */
final class TraceJson {
    private TraceJson() {}

    /** The members that a trace adds to the object of its pod. */
    static void write(PacketTrace trace, ObjectNode node) {
        PacketExplanation explanation = PacketExplanation.of(trace);
        node.put("result", result(trace.verdict()));
        switch (trace.verdict()) {
            case Verdict.Redirected(int port) -> node.put("port", port);
            case Verdict.Tproxied(int port) -> node.put("port", port);
            case Verdict.Untouched _, Verdict.Dropped _, Verdict.FollowsConnection _ -> {}
        }
        node.put("summary", explanation.outcome()).put("cause", explanation.reason());
        node.set("packet", packet(trace.packet()));
        trace.deciding().ifPresent(step -> node.set("decidedBy", step(step)));
        ArrayNode steps = node.putArray("steps");
        trace.steps().forEach(step -> steps.add(step(step)));
    }

    private static String result(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Untouched _ -> "untouched";
            case Verdict.Redirected _ -> "redirected";
            case Verdict.Tproxied _ -> "tproxied";
            case Verdict.Dropped _ -> "dropped";
            case Verdict.FollowsConnection _ -> "follows-connection";
        };
    }

    private static ObjectNode packet(Packet packet) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("protocol", packet.protocol().name().toLowerCase(Locale.ROOT))
                .put("source", RuleText.address(packet.source()))
                .put("destination", RuleText.address(packet.destination()))
                .put("destinationPort", packet.destinationPort());
        packet.uid().ifPresent(uid -> node.put("uid", uid));
        return node;
    }

    private static ObjectNode step(Step step) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("table", step.table().label())
                .put("chain", step.chain())
                .put("number", step.number())
                .put("matched", step.matched())
                .put(
                        "rule",
                        RuleText.condition(step.rule()) + " → "
                                + RuleText.target(step.rule().target()))
                .put("origin", step.rule().origin());
    }
}
