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
    static List<Bar> of(double pluginToBare, List<AgentLoad.Row> load) {
        AgentLoad.Row many =
                load.stream().filter(row -> row.known() == MANY).findFirst().orElseThrow();
        AgentLoad.Adds alone = many.adds().getFirst();
        double requests = load.stream()
                .flatMap(row -> row.adds().stream())
                .mapToDouble(AgentLoad.Adds::requestsPerAdd)
                .max()
                .orElseThrow();
        return List.of(
                new Bar("istio-cni ADD beside the bare JVM, wall time", 1.3, pluginToBare),
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
