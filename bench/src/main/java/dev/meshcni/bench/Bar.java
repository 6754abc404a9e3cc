package dev.meshcni.bench;

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

    /** The goals that the results of a run are held against. */
    static List<Bar> of(Report report, List<AgentLoad.Row> load) {
        AgentLoad.Row many =
                load.stream().filter(row -> row.known() == MANY).findFirst().orElseThrow();
        AgentLoad.Adds alone = many.adds().getFirst();
        double requests = load.stream()
                .flatMap(row -> row.adds().stream())
                .mapToDouble(AgentLoad.Adds::requestsPerAdd)
                .max()
                .orElseThrow();
        return List.of(
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
                                / (report.millis(ProcessRuns.BARE) + report.millis(AgentCalls.REDIRECTED_ADD))),
                new Bar(
                        "agent: one ADD, 250 pods known, median ms",
                        10,
                        alone.millis().median()),
                new Bar("agent: MiB with 250 pods, before ADDs", 120, many.memoryAtStart()),
                new Bar("agent: MiB with 250 pods, after all ADDs", 120, many.memoryAfter()),
                new Bar("API requests for an ADD", 0, requests));
    }

    boolean met() {
        return measured <= goal;
    }

    /** What was measured as a part of the goal; a dash where the goal is nothing at all. */
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
