// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import dev.meshcni.core.AgentProtocol;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Runs the daemon until its agent has answered a call, for a pod whose network namespace does not exist: with pods from
 * an API server, as on a node, and from manifests, as in the demo. Where the daemon cannot start, for want of root or
 * of iptables, the cache holds what it loaded until then.
 */
final class DaemonTraining {
    private static final int POLLS = 150;
    private static final int POLL_MILLIS = 100;

    private final Path dist;
    private final Path training;
    private final Path scratch;

    /**
     * @param training the directory with the pod, as a manifest and as an API server shows it
     * @param scratch a directory for files that are needed meanwhile
     */
    DaemonTraining(Path dist, Path training, Path scratch) {
        this.dist = dist;
        this.training = training;
        this.scratch = scratch;
    }

    /** Gives the class list of each run. */
    List<Path> run() throws IOException {
        List<Path> classLists = new ArrayList<>();
        try (TrainingApiServer api = TrainingApiServer.start(training.resolve("cluster-pod.json"))) {
            classLists.add(run("cluster", List.of("--kubeconfig=" + api.kubeconfig(scratch), "--node-name=training")));
        }
        classLists.add(run("manifests", List.of("--pod-manifest-dir=" + training)));
        return classLists;
    }

    private Path run(String name, List<String> pods) throws IOException {
        Path classList = scratch.resolve("install-cni." + name + ".classes");
        // Mode 0700, and not below the sources: the agent uses no directory that others than root decide on.
        Path runDirectory = Files.createTempDirectory("mesh-cni-training-");
        List<String> command = new ArrayList<>(Program.INSTALL_CNI.command(dist, AotCache.recording(classList)));
        command.addAll(List.of(
                "--no-install",
                "--health-port=0",
                "--monitoring-port=0",
                "--pod-wait-seconds=5",
                "--cni-agent-run-dir=" + runDirectory));
        command.addAll(pods);
        Path output = scratch.resolve("install-cni.out");
        Process daemon = Processes.start(command, System.getenv(), Path.of("/dev/null"), output);
        try {
            Path socket = runDirectory.resolve(AgentProtocol.SOCKET_NAME);
            if (appears(socket, daemon)) {
                call(socket);
            } else {
                System.err.println("dist: install-cni does not start here, its AOT cache is smaller for that: "
                        + Files.readString(output).strip());
            }
        } finally {
            daemon.destroy();
            Processes.waitFor(daemon);
            Assemble.delete(runDirectory);
        }
        return classList;
    }

    private static boolean appears(Path socket, Process daemon) {
        try {
            for (int poll = 0; poll < POLLS && daemon.isAlive(); poll++) {
                if (Files.exists(socket)) {
                    return true;
                }
                Thread.sleep(POLL_MILLIS);
            }
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssemblyException("Interrupted", e);
        }
    }

    private static void call(Path socket) throws IOException {
        Map<String, String> environment = TrainingInput.environment("ADD");
        try (SocketChannel agent = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            AgentProtocol.write(
                    agent, new AgentProtocol.Request(environment, TrainingInput.config(socket.getParent())));
            AgentProtocol.readReply(agent);
        } catch (IOException e) {
            System.err.println("dist: the agent answers nobody but root, its AOT cache is smaller for that");
        }
    }
}
