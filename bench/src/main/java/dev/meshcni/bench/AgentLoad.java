// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * An agent that knows the pods of a busy node from an API server: the time of an ADD that redirects, alone and many at
 * once, what each asks of the API server, and the agent's memory.
 */
final class AgentLoad {
    private static final List<Integer> KNOWN = List.of(10, 100, 250);
    private static final List<Integer> AT_ONCE = List.of(1, 8, 32);
    private static final int ADDS_PER_ROUND = 5;
    private static final int LEAST_WAVES = 2;
    private static final int WARM_UP_WAVES = 20;

    private final Path dist;
    private final int rounds;
    private final List<PodNamespace> namespaces;

    private AgentLoad(Path dist, int rounds, List<PodNamespace> namespaces) {
        this.dist = dist;
        this.rounds = rounds;
        this.namespaces = namespaces;
    }

    /**
     * What was measured.
     *
     * @param known how many pods the agent knows
     * @param memoryAtStart MiB of its resident memory when it knows them
     * @param memoryAfter the same after all ADDs
     * @param adds the ADDs, by how many there were at once
     */
    record Row(int known, double memoryAtStart, double memoryAfter, List<Adds> adds) {}

    /**
     * ADDs that redirect a pod.
     *
     * @param atOnce how many were under way at the same time
     * @param count how many there were in all
     * @param millis from connecting to the agent to the end of its reply
     * @param requests how many requests the API server got meanwhile
     */
    record Adds(int atOnce, int count, Series millis, long requests) {
        double requestsPerAdd() {
            return (double) requests / count;
        }
    }

    /** Measures an agent for each number of known pods. */
    static List<Row> measure(Path dist, int rounds) throws IOException {
        List<PodNamespace> namespaces = new ArrayList<>();
        try {
            for (int i = 0; i < AT_ONCE.getLast(); i++) {
                namespaces.add(PodNamespace.make());
            }
            AgentLoad load = new AgentLoad(dist, rounds, namespaces);
            List<Row> rows = new ArrayList<>();
            for (int known : KNOWN) {
                rows.add(load.measure(known));
            }
            return rows;
        } finally {
            for (PodNamespace namespace : namespaces) {
                namespace.close();
            }
        }
    }

    private Row measure(int known) throws IOException {
        try (Scratch scratch = Scratch.make();
                ApiServer api = ApiServer.start(pods(known));
                Agent agent =
                        Agent.start(dist, scratch.directory(), options(api, scratch.directory(), "--health-port=0"));
                ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<PodCall> calls = IntStream.range(0, namespaces.size())
                    .mapToObj(i -> new PodCall("bench-" + i, name(known - 1 - i % known), namespaces.get(i)))
                    .toList();
            wave(callers, agent, calls.subList(0, 1));
            Agent.letTheAgentRest();
            double memoryAtStart = agent.memory();
            for (int wave = 0; wave < WARM_UP_WAVES; wave++) {
                wave(callers, agent, calls.subList(0, 1));
            }
            List<Adds> adds = new ArrayList<>();
            for (int atOnce : AT_ONCE) {
                adds.add(adds(api, callers, agent, calls.subList(0, atOnce)));
            }
            Agent.letTheAgentRest();
            return new Row(known, memoryAtStart, agent.memory(), adds);
        }
    }

    private Adds adds(ApiServer api, ExecutorService callers, Agent agent, List<PodCall> calls) throws IOException {
        List<Double> millis = new ArrayList<>();
        long before = api.requests();
        int waves = Math.max(LEAST_WAVES, rounds * ADDS_PER_ROUND / calls.size());
        for (int wave = 0; wave < waves; wave++) {
            millis.addAll(wave(callers, agent, calls));
        }
        return new Adds(calls.size(), millis.size(), Series.of(millis), api.requests() - before);
    }

    /** An ADD of each pod, all at once and into a new namespace; then a DEL of each. */
    private static List<Double> wave(ExecutorService callers, Agent agent, List<PodCall> calls) throws IOException {
        renew(calls);
        Agent.letTheKernelClearUp();
        List<Double> millis = all("ADD", callers, agent, calls);
        all("DEL", callers, agent, calls);
        return millis;
    }

    /** Gives each pod a new namespace. */
    static void renew(List<PodCall> calls) throws IOException {
        for (PodCall call : calls) {
            call.namespace().renew();
        }
    }

    /** Calls for all pods, all at once; how long each took. */
    static List<Double> all(String verb, ExecutorService callers, Agent agent, List<PodCall> calls) throws IOException {
        if (calls.size() == 1) {
            // A caller that waits for a thread of its own would be what is measured.
            return List.of(agent.call(calls.getFirst().request(verb, agent)));
        }
        List<Future<Double>> replies = calls.stream()
                .map(call -> callers.submit(() -> agent.call(call.request(verb, agent))))
                .toList();
        return replies.stream().map(AgentLoad::result).toList();
    }

    private static Double result(Future<Double> reply) {
        try {
            return reply.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case BenchException failed -> throw failed;
                case IOException io -> throw new UncheckedIOException(io);
                case Throwable other -> throw new BenchException("a call failed: " + other, other);
            }
        }
    }

    /** The pods of a node. */
    static List<Pod> pods(int count) {
        return IntStream.range(0, count).mapToObj(i -> ClusterPod.of(name(i))).toList();
    }

    /** The options of an agent that has its pods from an API server, and one more. */
    static List<String> options(ApiServer api, Path directory, String further) throws IOException {
        return List.of(
                "--kubeconfig=" + api.kubeconfig(directory),
                "--node-name=" + ClusterPod.NODE,
                "--repair-enabled=false",
                "--monitoring-port=0",
                further);
    }

    /** The name of one of those pods. */
    static String name(int number) {
        return "pod-" + number;
    }
}
