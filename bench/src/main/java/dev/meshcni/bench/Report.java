// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What was measured.
 *
 * @param rounds how often each thing was done
 * @param results the times
 * @param load an agent that knows many pods
 * @param burst all pods of a node at once
 * @param scale the backends with many rules
 * @param ways the same rules by netlink and by programs
 * @param sizes MiB by name
 */
record Report(
        int rounds,
        List<Result> results,
        List<AgentLoad.Row> load,
        List<Burst.Row> burst,
        List<RuleScale.Row> scale,
        List<RuleWays.Row> ways,
        Map<String, Double> sizes) {
    private static final String RESULT = "%-46s %22s %22s %9s %12s%n";
    private static final String LOAD = "%12s %12s %12s %12s %12s %12s %16s%n";
    private static final String BURST = "%-12s %26s %22s %12s %14s%n";
    private static final String BAR = "%-62s %8s %10s %8s  %s%n";
    private static final String SCALE = "%12s %12s %12s %12s %12s%n";

    private static final String WAYS = "%-24s %-10s %-13s %22s %22s%n";

    /** As tables for people. */
    String table() {
        StringBuilder table = new StringBuilder();
        table.append("Median (10th to 90th percentile) of ")
                .append(rounds)
                .append(" rounds; load of the machine: ")
                .append(machineLoad())
                .append('\n');
        table.append(RESULT.formatted("", "wall ms", "CPU ms", "peak MiB", "touched KiB"));
        for (Result result : results) {
            table.append(RESULT.formatted(
                    result.name(),
                    result.wall(),
                    result.cpu().map(Series::toString).orElse(""),
                    result.memory()
                            .map(memory -> "%.1f".formatted(memory.median()))
                            .orElse(""),
                    result.touched()
                            .map(touched -> "%.0f".formatted(touched.median()))
                            .orElse("")));
        }
        sizes.forEach((name, size) -> table.append("%-44s %24s%n".formatted(name, "%.1f MiB".formatted(size))));
        if (!sizes.containsKey(Bench.IMAGE)) {
            table.append("%-44s %24s%n".formatted(Bench.IMAGE, "not built: ./dev image"));
        }
        return table.append(loadTable())
                .append(burstTable())
                .append(scaleTable())
                .append(waysTable())
                .append(barTable())
                .toString();
    }

    /** As JSON, so that runs can be compared. */
    String json() {
        return """
                {
                  "time": "%s",
                  "machine": {"processors": %d, "load": %s, "kernel": "%s", "java": "%s"},
                  "rounds": %d,
                  "results": [
                %s
                  ],
                  "agentLoad": [
                %s
                  ],
                  "burst": [
                %s
                  ],
                  "ruleScale": [
                %s
                  ],
                  "ruleWays": [
                %s
                  ],
                  "mebibytes": {%s},
                  "goals": [
                %s
                  ]
                }
                """.formatted(
                        Instant.now().truncatedTo(ChronoUnit.SECONDS),
                        Runtime.getRuntime().availableProcessors(),
                        machineLoad(),
                        System.getProperty("os.version"),
                        Runtime.version(),
                        rounds,
                        lines(results, Report::json),
                        lines(load, Report::json),
                        lines(burst, Report::json),
                        lines(scale, Report::json),
                        lines(ways, Report::json),
                        sizes.entrySet().stream()
                                .map(size -> "\"%s\": %s".formatted(size.getKey(), number(size.getValue())))
                                .collect(Collectors.joining(", ")),
                        lines(bars(), Bar::json));
    }

    private List<Bar> bars() {
        return Bar.of(this);
    }

    private String barTable() {
        StringBuilder table = new StringBuilder("%nThe goals of the design%n".formatted());
        table.append(BAR.formatted("", "goal", "measured", "ratio", ""));
        for (Bar bar : bars()) {
            table.append(BAR.formatted(
                    bar.name(), number(bar.goal()), number(bar.measured()), bar.ratio(), bar.met() ? "met" : "missed"));
        }
        return table.toString();
    }

    private String loadTable() {
        StringBuilder table =
                new StringBuilder("%nThe agent with pods from an API server; ADDs that redirect%n".formatted());
        table.append(LOAD.formatted(
                "pods known", "ADDs at once", "p50 ms", "p99 ms", "requests/ADD", "MiB before", "MiB after all"));
        for (AgentLoad.Row row : load) {
            for (AgentLoad.Adds adds : row.adds()) {
                table.append(LOAD.formatted(
                        row.known(),
                        adds.atOnce(),
                        number(adds.millis().median()),
                        number(adds.millis().top()),
                        number(adds.requestsPerAdd()),
                        number(row.memoryAtStart()),
                        number(row.memoryAfter())));
            }
        }
        return table.toString();
    }

    private String burstTable() {
        StringBuilder table = new StringBuilder("%n%d ADDs started together%n".formatted(Burst.PODS));
        table.append(BURST.formatted("rules by", "all done after ms", "each ms", "MiB before", "MiB after all"));
        for (Burst.Row row : burst) {
            table.append(BURST.formatted(
                    row.netlink() ? "netlink" : "programs",
                    row.all(),
                    row.each(),
                    number(row.memoryBefore()),
                    number(row.memoryAfter())));
        }
        return table.toString();
    }

    private String scaleTable() {
        StringBuilder table = new StringBuilder(
                "%nRules of a pod that excludes so many ports, and as many networks, applied and read back%n"
                        .formatted());
        table.append(SCALE.formatted("excluded", "backend", "rules", "least ms", "median ms"));
        for (RuleScale.Row row : scale) {
            table.append(SCALE.formatted(
                    row.excluded(),
                    row.backend(),
                    row.rules(),
                    number(row.applied().least()),
                    number(row.applied().median())));
        }
        return table.toString();
    }

    private String waysTable() {
        StringBuilder table = new StringBuilder("%nRules by netlink and by the programs, in turn%n".formatted());
        table.append(WAYS.formatted("pod", "rules", "by", "ADD ms", "DEL ms"));
        for (RuleWays.Row row : ways) {
            table.append(WAYS.formatted(row.pod(), row.rules(), row.by().label(), row.add(), row.delete()));
        }
        return table.toString();
    }

    /** The burst of a way. */
    Burst.Row burst(boolean netlink) {
        return burst.stream()
                .filter(row -> row.netlink() == netlink)
                .findFirst()
                .orElseThrow();
    }

    /** Returns whether there is a time of something. */
    boolean has(String name) {
        return results.stream().anyMatch(result -> result.name().equals(name));
    }

    /** The row of a way. */
    RuleWays.Row way(String rules, RuleWays.By by, String pod) {
        return ways.stream()
                .filter(row ->
                        row.rules().equals(rules) && row.by() == by && row.pod().equals(pod))
                .findFirst()
                .orElseThrow();
    }

    /** The median wall time of something, in milliseconds. */
    double millis(String name) {
        return named(name).wall().median();
    }

    private Result named(String name) {
        return results.stream()
                .filter(result -> result.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static <T> String lines(List<T> things, Function<T, String> json) {
        return things.stream().map(thing -> "    " + json.apply(thing)).collect(Collectors.joining(",\n"));
    }

    private static String json(Result result) {
        return ("{\"name\": \"%s\", \"wallMillis\": %s, \"cpuMillis\": %s,"
                        + " \"peakMebibytes\": %s, \"touchedKibibytes\": %s}")
                .formatted(
                        result.name(),
                        json(Optional.of(result.wall())),
                        json(result.cpu()),
                        json(result.memory()),
                        json(result.touched()));
    }

    private static String json(AgentLoad.Row row) {
        return "{\"podsKnown\": %d, \"mebibytesBefore\": %s, \"mebibytesAfter\": %s, \"adds\": [%s]}"
                .formatted(
                        row.known(),
                        number(row.memoryAtStart()),
                        number(row.memoryAfter()),
                        row.adds().stream().map(Report::json).collect(Collectors.joining(", ")));
    }

    private static String json(AgentLoad.Adds adds) {
        return "{\"atOnce\": %d, \"count\": %d, \"millis\": %s, \"apiRequests\": %d}"
                .formatted(adds.atOnce(), adds.count(), json(Optional.of(adds.millis())), adds.requests());
    }

    private static String json(Burst.Row row) {
        return ("{\"netlink\": %s, \"count\": %d, \"allMillis\": %s, \"eachMillis\": %s,"
                        + " \"mebibytesBefore\": %s, \"mebibytesAfter\": %s}")
                .formatted(
                        row.netlink(),
                        Burst.PODS,
                        json(Optional.of(row.all())),
                        json(Optional.of(row.each())),
                        number(row.memoryBefore()),
                        number(row.memoryAfter()));
    }

    private static String json(RuleScale.Row row) {
        return "{\"backend\": \"%s\", \"excluded\": %d, \"rules\": %d, \"millis\": %s}"
                .formatted(row.backend(), row.excluded(), row.rules(), json(Optional.of(row.applied())));
    }

    private static String json(RuleWays.Row row) {
        return "{\"pod\": \"%s\", \"rules\": \"%s\", \"by\": \"%s\", \"addMillis\": %s, \"deleteMillis\": %s}"
                .formatted(
                        row.pod(),
                        row.rules(),
                        row.by().label(),
                        json(Optional.of(row.add())),
                        json(Optional.of(row.delete())));
    }

    private static String json(Optional<Series> series) {
        return series.map(values -> "{\"least\": %s, \"p10\": %s, \"median\": %s, \"p90\": %s, \"p99\": %s}"
                        .formatted(
                                number(values.least()),
                                number(values.low()),
                                number(values.median()),
                                number(values.high()),
                                number(values.top())))
                .orElse("null");
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    private static String machineLoad() {
        return number(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }
}
