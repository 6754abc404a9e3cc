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
 * @param sizes MiB by name
 */
record Report(int rounds, List<Result> results, Map<String, Double> sizes) {
    private static final String ROW = "%-44s %24s %24s %12s%n";

    /** As a table for people. */
    String table() {
        StringBuilder table = new StringBuilder();
        table.append("Median (10th to 90th percentile) of ")
                .append(rounds)
                .append(" rounds; load of the machine: ")
                .append(load())
                .append('\n');
        table.append(ROW.formatted("", "wall ms", "CPU ms", "peak MiB"));
        for (Result result : results) {
            table.append(ROW.formatted(
                    result.name(),
                    result.wall(),
                    result.cpu().map(Series::toString).orElse(""),
                    result.memory()
                            .map(memory -> "%.1f".formatted(memory.median()))
                            .orElse("")));
        }
        sizes.forEach((name, size) -> table.append("%-44s %24s%n".formatted(name, "%.1f MiB".formatted(size))));
        table.append("istio-cni ADD beside the bare JVM: %.2f times the wall time, %.2f times the CPU time%n"
                .formatted(
                        ratio(result -> result.wall()),
                        ratio(result -> result.cpu().orElseThrow())));
        return table.toString();
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
                  "mebibytes": {%s}
                }
                """.formatted(
                        Instant.now().truncatedTo(ChronoUnit.SECONDS),
                        Runtime.getRuntime().availableProcessors(),
                        load(),
                        System.getProperty("os.version"),
                        Runtime.version(),
                        rounds,
                        results.stream().map(Report::json).collect(Collectors.joining(",\n")),
                        sizes.entrySet().stream()
                                .map(size -> "\"%s\": %s".formatted(size.getKey(), number(size.getValue())))
                                .collect(Collectors.joining(", ")));
    }

    private double ratio(Function<Result, Series> measured) {
        return measured.apply(named(ProcessRuns.SKIPPED_ADD)).median()
                / measured.apply(named(ProcessRuns.BARE)).median();
    }

    private Result named(String name) {
        return results.stream()
                .filter(result -> result.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static String json(Result result) {
        return "    {\"name\": \"%s\", \"wallMillis\": %s, \"cpuMillis\": %s, \"peakMebibytes\": %s}"
                .formatted(result.name(), json(Optional.of(result.wall())), json(result.cpu()), json(result.memory()));
    }

    private static String json(Optional<Series> series) {
        return series.map(values -> "{\"median\": %s, \"p10\": %s, \"p90\": %s}"
                        .formatted(number(values.median()), number(values.low()), number(values.high())))
                .orElse("null");
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    private static String load() {
        return number(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }
}
