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

/**
 * The plugin beside Istio's own, which the environment variable {@code ISTIO_CNI} names: ADD of the same pod, in turn,
 * each time into a network namespace that is new. Istio's plugin gets the pod from the API server, this one's agent has
 * it from there.
 */
final class BesideIstio {
    private static final String VARIABLE = "ISTIO_CNI";
    private static final String OURS = "beside Istio's: istio-cni ADD, redirected";
    private static final String THEIRS = "Istio's plugin: ADD, pod is redirected";

    /** The name of the socket in the run directory of Istio's plugin. */
    private static final String KUBECONFIG = "istio-cni-kubeconfig";

    private static final int PODS = 10;
    private static final int WARM_UP = 10;

    private final Agent agent;
    private final Path ours;
    private final Path theirs;
    private final Path theirDirectory;

    private BesideIstio(Agent agent, Path ours, Path theirs, Path theirDirectory) {
        this.agent = agent;
        this.ours = ours;
        this.theirs = theirs;
        this.theirDirectory = theirDirectory;
    }

    /** Measures, if there is Istio's plugin. */
    static List<Result> measure(Path dist, int rounds) throws IOException {
        String theirs = System.getenv(VARIABLE);
        if (theirs == null) {
            return List.of();
        }
        try (ApiServer api = ApiServer.start(AgentLoad.pods(PODS));
                Scratch scratch = Scratch.make();
                Agent agent = Agent.start(
                        dist, scratch.directory(), AgentLoad.options(api, scratch.directory(), "--health-port=0"))) {
            Path theirDirectory = Files.createDirectory(scratch.directory().resolve("istio"));
            Files.move(api.kubeconfig(theirDirectory), theirDirectory.resolve(KUBECONFIG));
            return new BesideIstio(agent, dist.resolve("bin/istio-cni"), Path.of(theirs), theirDirectory)
                    .measure(rounds);
        }
    }

    private List<Result> measure(int rounds) throws IOException {
        Map<String, List<ChildProcess.Usage>> usages = new LinkedHashMap<>();
        for (int round = -WARM_UP; round < rounds; round++) {
            ChildProcess.Usage our = add(ours, agent.runDirectory());
            ChildProcess.Usage their = add(theirs, theirDirectory);
            if (round >= 0) {
                usages.computeIfAbsent(OURS, _ -> new ArrayList<>()).add(our);
                usages.computeIfAbsent(THEIRS, _ -> new ArrayList<>()).add(their);
            }
        }
        return usages.entrySet().stream()
                .map(entry -> Result.ofProcesses(entry.getKey(), entry.getValue(), Optional.empty()))
                .toList();
    }

    private ChildProcess.Usage add(Path plugin, Path runDirectory) throws IOException {
        try (PodNamespace namespace = PodNamespace.make()) {
            PodCall call = new PodCall(namespace.name(), AgentLoad.name(0), namespace);
            Path config = Files.write(theirDirectory.resolve("conf"), call.config("istio-cni", runDirectory));
            Agent.letTheKernelClearUp();
            ChildProcess.Usage usage = new ChildProcess(List.of(plugin.toString()), environment(call), config).run();
            // Both have the same rules, or it would be no comparison.
            Commands.run(
                    "ip",
                    "netns",
                    "exec",
                    namespace.name(),
                    "iptables",
                    "-t",
                    "nat",
                    "-C",
                    "OUTPUT",
                    "-j",
                    "ISTIO_OUTPUT");
            return usage;
        }
    }

    /** Istio's plugin finds iptables by PATH. */
    private static Map<String, String> environment(PodCall call) {
        Map<String, String> environment = new LinkedHashMap<>(call.environment("ADD"));
        environment.put("PATH", System.getenv("PATH"));
        return environment;
    }
}
