// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A goal of the design, and how near this run came to it.
 *
 * @param name what is measured, with its unit
 * @param goal what it may be at the most
 * @param measured what it was
 */
record Bar(String name, double goal, double measured) {
    private static final int MANY = 250;

    /** The goals that the results of a run are held against, as far as it has measured what they are about. */
    static List<Bar> of(Report report) {
        List<Bar> bars = new ArrayList<>();
        if (report.has(ProcessRuns.REDIRECTED_ADD)) {
            bars.addAll(ofProcesses(report));
        }
        if (!report.load().isEmpty()) {
            bars.addAll(ofLoad(report.load()));
        }
        for (String add : List.of(MeshAdd.IPTABLES, MeshAdd.NFTABLES)) {
            if (report.has(add)) {
                bars.add(new Bar(add + ", ms beside ztunnel", 5, report.millis(add)));
            }
        }
        if (!report.ways().isEmpty()) {
            bars.addAll(ofWays(report));
        }
        if (!report.burst().isEmpty()) {
            bars.add(new Bar(
                    Burst.PODS + " ADDs together by netlink beside programs",
                    1.0 / 4,
                    report.burst(true).all().median()
                            / report.burst(false).all().median()));
        }
        return List.copyOf(bars);
    }

    private static List<Bar> ofProcesses(Report report) {
        List<Bar> bars = new ArrayList<>(List.of(
                new Bar(
                        "VERSION beside the client in C, wall time",
                        2,
                        report.millis(ProcessRuns.VERSION) / report.millis(ProcessRuns.CLIENT_VERSION)),
                new Bar(
                        "ADD outside the mesh beside the client in C",
                        2,
                        report.millis(ProcessRuns.SKIPPED_ADD) / report.millis(ProcessRuns.CLIENT_ADD)),
                new Bar(
                        "ADD outside the mesh, ms more than /bin/true",
                        1,
                        report.millis(ProcessRuns.SKIPPED_ADD) - report.millis(ProcessRuns.NOTHING)),
                new Bar(
                        "ADD that redirects beside a JVM and the agent",
                        1.0 / 3,
                        report.millis(ProcessRuns.REDIRECTED_ADD)
                                / (report.millis(ProcessRuns.BARE) + report.millis(AgentCalls.REDIRECTED_ADD)))));
        bars.addAll(ofWholeAdd(report));
        return bars;
    }

    private static List<Bar> ofLoad(List<AgentLoad.Row> load) {
        AgentLoad.Row many =
                load.stream().filter(row -> row.known() == MANY).findFirst().orElseThrow();
        double requests = load.stream()
                .flatMap(row -> row.adds().stream())
                .mapToDouble(AgentLoad.Adds::requestsPerAdd)
                .max()
                .orElseThrow();
        return List.of(
                new Bar(
                        "agent: one ADD, 250 pods known, median ms",
                        2,
                        many.adds().getFirst().millis().median()),
                new Bar("agent: MiB with 250 pods, before ADDs", 100, many.memoryAtStart()),
                new Bar("agent: MiB with 250 pods, after all ADDs", 100, many.memoryAfter()),
                new Bar("API requests for an ADD", 0, requests));
    }

    private static List<Bar> ofWholeAdd(Report report) {
        double add = report.millis(ProcessRuns.REDIRECTED_ADD);
        List<Bar> bars = new ArrayList<>();
        bars.add(new Bar(
                "whole ADD beside 3 times /bin/true and 1 ms", 1, add / (3 * report.millis(ProcessRuns.NOTHING) + 1)));
        if (report.has(ProcessRuns.PORTMAP_ADD)) {
            bars.add(new Bar("whole ADD beside an ADD of portmap", 1, add / report.millis(ProcessRuns.PORTMAP_ADD)));
        }
        return bars;
    }

    private static List<Bar> ofWays(Report report) {
        return List.of(
                added(report, RuleWays.IPTABLES, RuleWays.IPV4, 1.0 / 5),
                added(report, RuleWays.IPTABLES, RuleWays.DUAL_STACK, 1.0 / 6),
                added(report, RuleWays.NFTABLES, RuleWays.IPV4, 1.0 / 5),
                added(report, RuleWays.NFTABLES, RuleWays.DUAL_STACK, 1.0 / 6),
                added(report, RuleWays.NFTABLES, RuleWays.EXCLUDING, 1.0 / 8),
                deleted(report, RuleWays.IPTABLES),
                deleted(report, RuleWays.NFTABLES));
    }

    private static Bar added(Report report, String rules, String pod, double goal) {
        return new Bar(
                "ADD by netlink beside programs: " + rules + ", " + pod,
                goal,
                report.way(rules, RuleWays.By.NETLINK, pod).add().median()
                        / report.way(rules, RuleWays.By.PROGRAMS, pod).add().median());
    }

    private static Bar deleted(Report report, String rules) {
        return new Bar(
                "DEL by netlink beside programs: " + rules,
                1.0 / 3,
                report.way(rules, RuleWays.By.NETLINK, RuleWays.IPV4).delete().median()
                        / report.way(rules, RuleWays.By.PROGRAMS, RuleWays.IPV4)
                                .delete()
                                .median());
    }

    boolean met() {
        return measured <= goal;
    }

    /** The measured value as a fraction of the goal; a dash if the goal is zero. */
    String ratio() {
        return goal == 0 ? "-" : number(measured / goal);
    }

    String json() {
        return "{\"name\": \"%s\", \"goal\": %s, \"measured\": %s, \"met\": %s}"
                .formatted(name, number(goal), number(measured), met());
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}
