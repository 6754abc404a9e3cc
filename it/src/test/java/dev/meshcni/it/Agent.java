// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The product's daemon, {@code install-cni}, as a process in the namespace that plays the node. It knows the pods whose
 * manifests a test gives it.
 */
final class Agent implements AutoCloseable {
    private final Entrance node;
    private final Path directory;
    private final List<String> options;
    private final boolean successor;
    private final DaemonProcess process;

    /** What makes a command line run in the namespaces of a node. */
    @FunctionalInterface
    interface Entrance {
        List<String> commandLine(String... line);
    }

    private Agent(Entrance node, Path directory, List<String> options, boolean successor) {
        this.node = node;
        this.directory = directory;
        this.options = List.copyOf(options);
        this.successor = successor;
        Path log = directory.resolve(successor ? "successor.log" : "agent.log");
        this.process = new DaemonProcess(log, runDirectory(), Process::toHandle);
    }

    /**
     * Starts it as an agent only, and waits until it answers.
     *
     * @param options more options of install-cni
     */
    static Agent start(Netns node, String... options) {
        List<String> more = new ArrayList<>(List.of("--no-install"));
        more.addAll(List.of(options));
        return start(node::commandLine, more);
    }

    /**
     * Starts it as an installer as well, and waits until it answers.
     *
     * @param options more options of install-cni
     */
    static Agent installing(Entrance node, Path confDir, Path binDir, String... options) {
        List<String> more = new ArrayList<>(
                List.of("--mounted-cni-net-dir", confDir.toString(), "--cni-bin-target-dir", binDir.toString()));
        more.addAll(List.of(options));
        return start(node, more);
    }

    /** Starts it with just these options of install-cni, and waits until it answers. */
    static Agent start(Entrance node, List<String> options) {
        try {
            Path directory = Files.createTempDirectory("it-agent-");
            Files.createDirectory(directory.resolve("pods"));
            Agent agent = new Agent(node, directory, options, false);
            try {
                agent.startAgain();
                return agent;
            } catch (RuntimeException | Error e) {
                agent.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Starts another one beside it, with the same directories and options, as an update that lets both run for a while
     * does.
     */
    Agent startSuccessor() {
        Agent next = new Agent(node, directory, options, true);
        next.startAgain();
        return next;
    }

    /** Starts it after {@link #kill}, with the same directories. */
    void startAgain() {
        List<String> line = new ArrayList<>(node.commandLine(
                Dist.program("install-cni").toString(),
                "--pod-manifest-dir",
                directory.resolve("pods").toString(),
                "--cni-agent-run-dir",
                runDirectory().toString()));
        line.addAll(options);
        process.start(line);
    }

    /** Ends it by SIGTERM, and returns its exit code. */
    int terminate() {
        process.terminate();
        return process.exitCode();
    }

    /** Ends it by SIGKILL, at once, whatever it is doing. */
    void kill() {
        process.kill();
    }

    /** The directory of its socket, which the plugin's configuration names. */
    Path runDirectory() {
        return directory.resolve("run");
    }

    /** Lets it know a pod, in place of an earlier one of the same name. */
    void know(PodManifest pod) {
        try {
            Path file = directory.resolve("pods").resolve(pod.namespace() + "." + pod.name() + ".json");
            Path written = Files.writeString(file.resolveSibling("." + file.getFileName()), pod.json());
            Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The plugin's entry in a configuration list, for this agent. */
    String pluginConf() {
        return """
                {"type": "istio-cni", "cni_agent_run_dir": "%s", "exclude_namespaces": ["kube-system"],
                 "pod_namespace": "istio-system"}""".formatted(runDirectory());
    }

    /** How many plugins wait for its answer (proc(5), net/unix: state 3 is a socket that it has accepted). */
    long connections() {
        String anySocket = " " + runDirectory() + "/";
        return Command.of(node.commandLine("cat", "/proc/self/net/unix").toArray(String[]::new))
                .run()
                .lines()
                .filter(line -> line.contains(anySocket) && line.contains(" 03 "))
                .count();
    }

    /** What it has logged so far. */
    String logged() {
        return process.logged();
    }

    @Override
    public void close() {
        process.close();
        if (!successor) {
            HostState.removeTree(directory);
        }
    }
}
