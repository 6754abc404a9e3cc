// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** All pods of a full node at once, as after a reboot: with rules by netlink and by the programs, in turn. */
final class Burst {
    static final int PODS = 250;

    private static final int LEAST_WAVES = 3;
    private static final int ROUNDS_PER_WAVE = 4;
    private static final int CLEARING_UP_MILLIS = 1000;

    private Burst() {}

    /**
     * What was measured of one way.
     *
     * @param netlink whether rules went into the kernel by netlink, or else by the programs
     * @param all milliseconds from the first call to the last reply
     * @param each milliseconds of each call, those that it waited for others included
     * @param memoryBefore MiB of the agent's resident memory before the first calls
     * @param memoryAfter the same after the last ones
     */
    record Row(boolean netlink, Series all, Series each, double memoryBefore, double memoryAfter) {}

    /** Measures a few waves. */
    static List<Row> measure(Path dist, int rounds) throws IOException {
        List<PodNamespace> namespaces = new ArrayList<>();
        try (Scratch scratch = Scratch.make();
                ApiServer api = ApiServer.start(AgentLoad.pods(PODS));
                Agent byNetlink = start(dist, scratch, api, "netlink");
                Agent byPrograms = start(dist, scratch, api, "programs");
                ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < PODS; i++) {
                namespaces.add(PodNamespace.make());
            }
            List<PodCall> calls = IntStream.range(0, PODS)
                    .mapToObj(i -> new PodCall("bench-" + i, AgentLoad.name(i), namespaces.get(i)))
                    .toList();
            Map<Agent, Waves> waves = new LinkedHashMap<>();
            for (Agent agent : List.of(byNetlink, byPrograms)) {
                AgentLoad.all("ADD", callers, agent, calls.subList(0, 1));
                AgentLoad.all("DEL", callers, agent, calls.subList(0, 1));
                Agent.letTheAgentRest();
                waves.put(agent, new Waves(agent.memory()));
            }
            for (int wave = 0; wave < Math.max(LEAST_WAVES, rounds / ROUNDS_PER_WAVE); wave++) {
                for (Agent agent : waves.keySet()) {
                    waves.get(agent).measure(callers, agent, calls);
                }
            }
            Agent.letTheAgentRest();
            return List.of(
                    waves.get(byNetlink).row(true, byNetlink.memory()),
                    waves.get(byPrograms).row(false, byPrograms.memory()));
        } finally {
            for (PodNamespace namespace : namespaces) {
                namespace.close();
            }
        }
    }

    /** The waves of one way. */
    private static final class Waves {
        private final double memoryBefore;
        private final List<Double> all = new ArrayList<>();
        private final List<Double> each = new ArrayList<>();

        Waves(double memoryBefore) {
            this.memoryBefore = memoryBefore;
        }

        void measure(ExecutorService callers, Agent agent, List<PodCall> calls) throws IOException {
            AgentLoad.renew(calls);
            Agent.pause(CLEARING_UP_MILLIS);
            long start = System.nanoTime();
            each.addAll(AgentLoad.all("ADD", callers, agent, calls));
            all.add((System.nanoTime() - start) / (double) TimeUnit.MILLISECONDS.toNanos(1));
            AgentLoad.all("DEL", callers, agent, calls);
        }

        Row row(boolean netlink, double memoryAfter) {
            return new Row(netlink, Series.of(all), Series.of(each), memoryBefore, memoryAfter);
        }
    }

    private static Agent start(Path dist, Scratch scratch, ApiServer api, String way) throws IOException {
        Path directory = Files.createDirectory(scratch.directory().resolve(way));
        List<String> options = new ArrayList<>(AgentLoad.options(api, directory, "--health-port=0"));
        options.add("--rules-by=" + way);
        return Agent.start(dist, directory, options);
    }
}
