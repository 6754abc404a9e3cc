// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import dev.meshcni.rules.RuleText;
import dev.meshcni.rules.Target;
import dev.meshcni.trace.PacketTrace.Step;
import dev.meshcni.trace.PacketTrace.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A {@link PacketTrace} in words, for users who know their pod's annotations, but not netfilter.
 *
 * @param outcome one sentence: what becomes of the packet
 * @param reason one sentence: the rule that led to it, and the annotation, variable or default behind that rule
 * @param way the rules that were asked, a line each, those that applied ticked
 */
public record PacketExplanation(String outcome, String reason, List<String> way) {
    /** Up to this many adjacent rules that did not match are listed one by one, more are summarized in one line. */
    private static final int TOLD = 4;

    public PacketExplanation {
        way = List.copyOf(way);
    }

    /** Explains a trace. */
    public static PacketExplanation of(PacketTrace trace) {
        return new PacketExplanation(outcome(trace), reason(trace), way(trace.steps()));
    }

    /** All of it as lines of text. */
    public String text() {
        StringBuilder out = new StringBuilder();
        out.append(outcome).append('\n').append(reason).append('\n');
        if (!way.isEmpty()) {
            out.append("\nRules evaluated, in order (✓ matched, ✗ not matched):\n");
            way.forEach(line -> out.append("  ").append(line).append('\n'));
        }
        return out.toString();
    }

    private static String outcome(PacketTrace trace) {
        String packet = describe(trace.packet());
        return switch (trace.verdict()) {
            case Verdict.Untouched _ -> packet + " is not redirected: it goes to its original destination.";
            case Verdict.Redirected(int port) ->
                packet + " is sent to port " + port + " of the pod" + listener(trace) + ".";
            case Verdict.Tproxied(int port) ->
                packet + " is delivered, with its addresses unchanged, to port " + port + " of the pod"
                        + listener(trace) + ".";
            case Verdict.Dropped _ -> packet + " is silently dropped.";
            case Verdict.FollowsConnection _ ->
                packet + " belongs to an established connection, and follows the first packet of that connection.";
        };
    }

    private static String describe(Packet packet) {
        String sender =
                packet.uid().isPresent() ? " sent by user " + packet.uid().getAsLong() : "";
        return switch (packet.protocol()) {
                    case TCP -> "A TCP connection";
                    case UDP -> "A UDP packet";
                }
                + sender + " from " + RuleText.address(packet.source()) + " to "
                + RuleText.address(packet.destination()) + " port " + packet.destinationPort();
    }

    /** The listener on the port, taken from the origin of the rule that names the port. */
    private static String listener(PacketTrace trace) {
        return trace.steps().stream()
                .filter(Step::matched)
                .filter(step -> step.rule().target() instanceof Target.Redirect
                        || step.rule().target() instanceof Target.Tproxy)
                .findFirst()
                .filter(step -> !trace.deciding().equals(Optional.of(step)))
                .map(step -> ": " + step.rule().origin())
                .orElse("");
    }

    private static String reason(PacketTrace trace) {
        if (trace.deciding().isEmpty()) {
            return trace.steps().isEmpty() ? "No rule applies to such packets." : "No rule matched that redirects it.";
        }
        Step step = trace.deciding().get();
        String origin =
                step.rule().origin().isEmpty() ? "unknown origin" : step.rule().origin();
        return "Decided by rule " + step.number() + " of " + step.chain() + " (table "
                + step.table().label() + "): " + origin + ".";
    }

    private static List<String> way(List<Step> steps) {
        List<String> lines = new ArrayList<>();
        for (int start = 0; start < steps.size(); ) {
            int end = start + 1;
            while (end < steps.size() && isLike(steps.get(start), steps.get(end))) {
                end++;
            }
            if (end - start > TOLD) {
                lines.add("✗ " + place(steps.get(start)) + " to "
                        + steps.get(end - 1).number() + ": " + (end - start) + " rules not matched");
            } else {
                steps.subList(start, end).forEach(step -> lines.add(line(step)));
            }
            start = end;
        }
        return lines;
    }

    /** Returns whether two adjacent steps can be summarized together. */
    private static boolean isLike(Step first, Step step) {
        boolean neitherMatched = !first.matched() && !step.matched();
        return neitherMatched
                && first.hook() == step.hook()
                && first.table() == step.table()
                && first.chain().equals(step.chain());
    }

    private static String line(Step step) {
        String rule = RuleText.condition(step.rule()) + " → "
                + RuleText.target(step.rule().target());
        return step.failed()
                .map(failed -> "✗ " + place(step) + ": " + rule + " (fails: " + RuleText.match(failed) + ")")
                .orElse("✓ " + place(step) + ": " + rule);
    }

    private static String place(Step step) {
        return step.table().label() + " " + step.chain() + " " + step.number();
    }
}
