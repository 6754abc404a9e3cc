// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.demo;

import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.exec.AttachmentParameters;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Where the demonstration plays: a network namespace that stands for the node, two for the pods, and a temporary
 * directory for everything that would lie on the node's disk. The machine's own network is not touched: what the base
 * CNI does to "the host" it does to the node's namespace.
 */
final class DemoStage implements AutoCloseable {
    static final String NAMESPACE = "shop";
    static final String INJECTED = "web";
    static final String PLAIN = "batch";
    static final String GATEWAY = "10.88.77.1";

    private static final List<Path> PLUGIN_DIRECTORIES =
            List.of(Path.of("/usr/lib/cni"), Path.of("/opt/cni/bin"), Path.of("/usr/libexec/cni"));
    private static final int COMMAND_SECONDS = 20;

    private final Path directory;
    private final String prefix;

    private DemoStage(Path directory, String prefix) {
        this.directory = directory;
        this.prefix = prefix;
    }

    static DemoStage set() {
        try {
            Path directory = Files.createTempDirectory("meshcni-demo-");
            DemoStage stage = new DemoStage(
                    directory, "meshcni-demo-" + ProcessHandle.current().pid());
            Path manifests = Files.createDirectory(stage.manifests());
            for (String pod : List.of(INJECTED, PLAIN)) {
                Files.write(manifests.resolve(pod + ".yaml"), resource(pod + ".yaml"));
            }
            for (String netns : stage.names()) {
                run("ip", "netns", "add", netns);
                run("ip", "-n", netns, "link", "set", "lo", "up");
            }
            return stage;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot create the demo's directory", e);
        }
    }

    Path manifests() {
        return directory.resolve("manifests");
    }

    Path runDirectory() {
        return directory.resolve("run");
    }

    Path agentLog() {
        return directory.resolve("agent.log");
    }

    Path node() {
        return path(nodeName());
    }

    Path netns(String pod) {
        return path(netnsName(pod));
    }

    String netnsName(String pod) {
        return prefix + "-" + pod;
    }

    /** The configuration that the node would have after the installer has chained our plugin behind ptp. */
    NetworkConfigList network() {
        return NetworkConfigList.parse("""
            {
              "cniVersion": "1.0.0",
              "name": "demo",
              "plugins": [
                {
                  "type": "ptp",
                  "ipam": {
                    "type": "host-local",
                    "dataDir": "%s",
                    "ranges": [[{"subnet": "10.88.77.0/24", "gateway": "%s"}]],
                    "routes": [{"dst": "0.0.0.0/0"}]
                  }
                },
                {
                  "type": "istio-cni",
                  "cni_agent_run_dir": "%s",
                  "exclude_namespaces": ["kube-system"]
                }
              ]
            }
            """.formatted(directory.resolve("ipam"), GATEWAY, runDirectory()));
    }

    AttachmentParameters attachment(String pod) {
        return AttachmentParameters.of(prefix + "-" + pod, netns(pod).toString(), "eth0")
                .withArgs("IgnoreUnknown=1;K8S_POD_NAMESPACE=" + NAMESPACE + ";K8S_POD_NAME=" + pod);
    }

    /** The directories of the base plugins and of ours. */
    List<Path> pluginPath(Path programs) {
        List<Path> base = PLUGIN_DIRECTORIES.stream()
                .filter(candidate -> Files.isExecutable(candidate.resolve("ptp")))
                .toList();
        if (base.isEmpty()) {
            throw new DemoException("base plugin ptp not found in " + PLUGIN_DIRECTORIES
                    + ": install the package containernetworking-plugins");
        }
        return Stream.concat(Stream.of(programs), base.stream()).toList();
    }

    /** Runs a program to its end; what it prints on standard output is the result. */
    static String run(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output;
            try (InputStream in = process.getInputStream()) {
                output = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            }
            if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new DemoException(String.join(" ", command) + " failed: " + output.strip());
            }
            return output;
        } catch (IOException e) {
            throw new DemoException(command[0] + " cannot be started: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DemoException("interrupted");
        }
    }

    /** The leftovers of the stage on this machine; empty when it has been removed. */
    List<String> remains() {
        Stream<String> namespaces = run("ip", "netns", "list").lines().filter(line -> line.startsWith(prefix));
        Stream<String> files = Files.exists(directory) ? Stream.of(directory.toString()) : Stream.empty();
        return Stream.concat(namespaces, files).toList();
    }

    @Override
    public void close() {
        for (String netns : names()) {
            if (Files.exists(path(netns))) {
                run("ip", "netns", "del", netns);
            }
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove the demo's directory", e);
        }
    }

    private List<String> names() {
        return List.of(nodeName(), netnsName(INJECTED), netnsName(PLAIN));
    }

    private String nodeName() {
        return prefix + "-node";
    }

    private static Path path(String netns) {
        return Path.of("/var/run/netns", netns);
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = DemoStage.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        }
    }
}
