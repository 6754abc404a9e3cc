package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A node for measuring: the agent of the distribution, two pods that it knows, and the network namespace of one. */
final class Node implements AutoCloseable {
    /** A pod of the mesh: its traffic is redirected. */
    static final String REDIRECTED = "redirected";

    /** A pod outside the mesh: nothing is done for it. */
    static final String PLAIN = "plain";

    private static final int START_POLLS = 300;
    private static final int POLL_MILLIS = 100;
    private static final int END_SECONDS = 10;

    private final Path directory;
    private final String netns;
    private Process agent;

    private Node(Path directory, String netns) {
        this.directory = directory;
        this.netns = netns;
    }

    static Node start(Path dist) throws IOException {
        Node node = new Node(
                Files.createTempDirectory("mesh-cni-bench-"),
                "mesh-cni-bench-" + ProcessHandle.current().pid());
        try {
            node.makeNamespace();
            node.startAgent(dist);
            return node;
        } catch (IOException | RuntimeException e) {
            node.close();
            throw e;
        }
    }

    /** A directory that goes when the node goes. */
    Path directory() {
        return directory;
    }

    /** The agent's socket. */
    Path socket() {
        return directory.resolve("run/agent.sock");
    }

    /** The resident memory of the agent in MiB. */
    double agentMemory() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + agent.pid() + "/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
                    .sum();
        }
    }

    /** The variables of a call for a pod. */
    Map<String, String> environment(String verb, String pod) {
        return Map.of(
                "CNI_COMMAND",
                verb,
                "CNI_CONTAINERID",
                "bench",
                "CNI_NETNS",
                "/var/run/netns/" + netns,
                "CNI_IFNAME",
                "eth0",
                "CNI_PATH",
                "/opt/cni/bin",
                "CNI_ARGS",
                "IgnoreUnknown=1;K8S_POD_NAMESPACE=bench;K8S_POD_NAME=" + pod);
    }

    /** What a runtime gives a chained plugin of {@code type} on standard input. */
    byte[] config(String type) {
        return """
                {"cniVersion":"1.0.0","name":"bench","type":"%s","cni_agent_run_dir":"%s",
                 "exclude_namespaces":["kube-system"],"pod_namespace":"istio-system",
                 "prevResult":{"cniVersion":"1.0.0",
                  "interfaces":[{"name":"eth0","mac":"0a:58:0a:fa:00:02","sandbox":"/var/run/netns/%s"}],
                  "ips":[{"address":"10.250.0.2/24","gateway":"10.250.0.1","interface":0}]}}
                """.formatted(type, socket().getParent(), netns).getBytes(UTF_8);
    }

    @Override
    public void close() throws IOException {
        if (agent != null) {
            agent.destroy();
            try {
                if (!agent.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                    agent.destroyForcibly();
                }
            } catch (InterruptedException e) {
                agent.destroyForcibly();
                Thread.currentThread().interrupt();
            }
        }
        start(List.of("ip", "netns", "delete", netns)).onExit().join();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private void makeNamespace() throws IOException {
        run("ip", "netns", "add", netns);
        run("ip", "-n", netns, "link", "set", "lo", "up");
        run("ip", "-n", netns, "link", "add", "eth0", "type", "veth", "peer", "name", "peer0");
        run("ip", "-n", netns, "address", "add", "10.250.0.2/24", "dev", "eth0");
        run("ip", "-n", netns, "link", "set", "eth0", "up");
    }

    private void startAgent(Path dist) throws IOException {
        Path pods = Files.createDirectory(directory.resolve("pods"));
        Files.writeString(pods.resolve(PLAIN + ".yaml"), pod(PLAIN, ""), UTF_8);
        Files.writeString(
                pods.resolve(REDIRECTED + ".yaml"), pod(REDIRECTED, ", {name: istio-proxy, image: proxy}"), UTF_8);
        List<String> command =
                new ArrayList<>(List.of(dist.resolve("bin/install-cni").toString(), "--no-install"));
        command.add("--pod-manifest-dir=" + pods);
        command.add("--cni-agent-run-dir=" + socket().getParent());
        command.add("--log-level=warn");
        agent = start(command);
        for (int poll = 0; !Files.exists(socket()); poll++) {
            if (poll == START_POLLS || !agent.isAlive()) {
                throw new BenchException("the agent does not start: " + Files.readString(log()));
            }
            pause();
        }
    }

    private static String pod(String name, String containers) {
        return """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: %s
                  namespace: bench
                  annotations: {sidecar.istio.io/status: "{}"}
                spec:
                  containers: [{name: app, image: app}%s]
                """.formatted(name, containers);
    }

    private void run(String... command) throws IOException {
        int exit = start(List.of(command)).onExit().join().exitValue();
        if (exit != 0) {
            throw new BenchException(String.join(" ", command) + " failed: " + Files.readString(log()));
        }
    }

    private Process start(List<String> command) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                .start();
    }

    private Path log() {
        return directory.resolve("log");
    }

    private static void pause() {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("interrupted", e);
        }
    }
}
