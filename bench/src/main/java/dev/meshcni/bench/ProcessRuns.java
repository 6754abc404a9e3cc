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
import java.util.Optional;

/** Whole processes, in turn, so that a busy moment of the machine meets all of them. */
final class ProcessRuns {
    static final String NOTHING = "/bin/true";
    static final String BARE = "bare JVM: start, connect, exit";
    static final String CLIENT_VERSION = "static client in C: VERSION";
    static final String CLIENT_ADD = "static client in C: ADD, pod outside the mesh";
    static final String VERSION = "istio-cni VERSION";
    static final String REDIRECTED_ADD = "istio-cni ADD, pod is redirected";
    static final String SKIPPED_ADD = "istio-cni ADD, pod outside the mesh";

    static final String PORTMAP_ADD = "portmap ADD, no port to map";

    private static final int MEMORY_RUNS = 5;

    /** What takes about as long as others keep it from a processor is run more often, and in an order of its own. */
    private static final List<String> QUICK = List.of(NOTHING, CLIENT_VERSION, VERSION, CLIENT_ADD, SKIPPED_ADD);

    private static final int QUICK_RUNS = 20;

    /** The agent puts its work away when it has answered. */
    private static final int PAUSE_MILLIS = 2;

    /** After so many rounds the agent's code is compiled; until then an ADD takes up to twice as long. */
    private static final int WARM_UP = 15;

    private static final Path PORTMAP = Path.of("/usr/lib/cni/portmap");

    private final Node node;
    private final Map<String, ChildProcess> processes = new LinkedHashMap<>();

    ProcessRuns(Node node, Path dist, BareJvm bare, StaticClient client) throws IOException {
        this.node = node;
        Path none = Path.of("/dev/null");
        Path config = Files.write(node.directory().resolve("istio-cni.conf"), node.config("istio-cni"));
        List<String> plugin = List.of(dist.resolve("bin/istio-cni").toString());
        processes.put(NOTHING, new ChildProcess(List.of(NOTHING), Map.of(), none));
        processes.put(BARE, new ChildProcess(bare.command(), Map.of(), none));
        if (Files.isExecutable(PORTMAP)) {
            Path portmap = Files.write(node.directory().resolve("portmap.conf"), node.config("portmap"));
            processes.put(
                    PORTMAP_ADD,
                    new ChildProcess(List.of(PORTMAP.toString()), node.environment("ADD", Node.PLAIN), portmap));
        }
        processes.put(CLIENT_VERSION, new ChildProcess(client.command(), Map.of("CNI_COMMAND", "VERSION"), none));
        processes.put(CLIENT_ADD, new ChildProcess(client.command(), node.environment("ADD", Node.PLAIN), config));
        processes.put(VERSION, new ChildProcess(plugin, Map.of("CNI_COMMAND", "VERSION"), none));
        processes.put(SKIPPED_ADD, new ChildProcess(plugin, node.environment("ADD", Node.PLAIN), config));
        processes.put(REDIRECTED_ADD, new ChildProcess(plugin, node.environment("ADD", Node.REDIRECTED), config));
        processes.put("istio-cni DEL", new ChildProcess(plugin, node.environment("DEL", Node.REDIRECTED), config));
    }

    List<Result> measure(int rounds) throws IOException {
        Map<String, List<ChildProcess.Usage>> usages = new LinkedHashMap<>();
        for (int round = -WARM_UP; round < rounds; round++) {
            for (int run = 0; run < QUICK_RUNS; run++) {
                Agent.pause(PAUSE_MILLIS);
                for (String name : QUICK) {
                    run(name, round, usages);
                }
            }
            for (String name : processes.keySet()) {
                if (name.equals(REDIRECTED_ADD)) {
                    node.renewNamespace();
                }
                if (!QUICK.contains(name)) {
                    run(name, round, usages);
                }
            }
        }
        Map<String, List<Double>> memory = new LinkedHashMap<>();
        for (int run = 0; run < MEMORY_RUNS; run++) {
            for (Map.Entry<String, ChildProcess> process : processes.entrySet()) {
                memory.computeIfAbsent(process.getKey(), _ -> new ArrayList<>())
                        .add(process.getValue().peakMemory());
            }
        }
        return processes.keySet().stream()
                .map(name -> Result.ofProcesses(name, usages.get(name), Optional.of(Series.of(memory.get(name)))))
                .toList();
    }

    private void run(String name, int round, Map<String, List<ChildProcess.Usage>> usages) {
        ChildProcess.Usage usage = processes.get(name).run();
        if (round >= 0) {
            usages.computeIfAbsent(name, _ -> new ArrayList<>()).add(usage);
        }
    }
}
