// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.exec.AttachmentParameters;
import dev.meshcni.api.exec.PluginChain;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A node without a runtime: a network namespace in which the agent and the base plugins run, one pod's namespace, and
 * the chain that a runtime would call. Each base plugin is a script that enters the node's namespace first, as threads
 * of this JVM start processes in the machine's own.
 */
final class ChainNode implements AutoCloseable {
    private static final String CONTAINER = "c4a1c4a1c4a1";
    private static final String POD_ARGS = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart-0";
    private static final String PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
    private static final Duration PLUGIN_PATIENCE = Duration.ofSeconds(30);
    private static final Duration COPYING = Duration.ofMinutes(2);

    private final Arrivals arrivals = new Arrivals();
    private final List<ProbeServer> servers = new ArrayList<>();
    private final Path directory;
    private final Netns node;
    private final Netns pod;
    private final Agent agent;

    private ChainNode(Path directory, Netns node, Netns pod, Agent agent) {
        this.directory = directory;
        this.node = node;
        this.pod = pod;
        this.agent = agent;
    }

    static ChainNode start() {
        Netns node = Netns.create("node");
        try {
            Netns pod = Netns.create("pod");
            try {
                node.claimAllAddresses();
                return new ChainNode(plugins(node), node, pod, Agent.start(node));
            } catch (RuntimeException | Error e) {
                pod.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            node.close();
            throw e;
        }
    }

    /**
     * Installs the plugin with a file of its own, as Multus needs it, and returns the network that the file describes.
     */
    NetworkConfigList installStandalone() {
        meshcni("install", agent.runDirectory());
        try {
            return NetworkConfigList.parseSingle(
                    Files.readString(standaloneDirectory().resolve("YYY-istio-cni.conf")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes that back, but leaves the agent its directory. */
    void uninstallStandalone() {
        meshcni("uninstall", directory.resolve("no-agent"));
    }

    Path standaloneDirectory() {
        return directory.resolve("multus.net.d");
    }

    Path pluginDirectory() {
        return directory.resolve("bin");
    }

    Netns node() {
        return node;
    }

    Netns pod() {
        return pod;
    }

    Agent agent() {
        return agent;
    }

    Path ipamDirectory() {
        return directory.resolve("ipam");
    }

    /** The addresses that host-local has given and not taken back. */
    List<String> addressesInUse() {
        return HostState.files(ipamDirectory()).stream()
                .map(file -> file.getFileName().toString())
                .filter(name -> Character.isLetterOrDigit(name.charAt(0)))
                .filter(name -> !name.startsWith("last_reserved_ip") && !name.equals("lock"))
                .toList();
    }

    PluginChain chain() {
        return new PluginChain(List.of(pluginDirectory()), Map.of("PATH", PATH), PLUGIN_PATIENCE);
    }

    /** The pod's attachment with an interface, as the kubelet's runtime describes it. */
    AttachmentParameters attachment(String ifName) {
        return AttachmentParameters.of(CONTAINER, pod.path().toString(), ifName).withArgs(POD_ARGS);
    }

    /** Calls our plugin alone, with a result that a base CNI would have given. */
    Command.Result call(String command, String entry, ObjectNode prevResult) {
        PluginCall call = PluginCall.of(command, pod, "shop", "cart-0", entry)
                .configured(conf -> conf.put(
                                "cniVersion", prevResult.path("cniVersion").asText())
                        .set("prevResult", prevResult));
        Command.Result result = PluginProcess.run(call, node);
        PluginProcess.check(call, result);
        return result;
    }

    /** Listens as proxy and as application in the pod, and as the rest of the world on the node. */
    void listen() {
        servers.add(ProbeServer.start("proxy", arrivals, pod, Owner.PROXY, List.of(15001, 15006)));
        servers.add(ProbeServer.start("app", arrivals, pod, Owner.APPLICATION, List.of(8080)));
        servers.add(ProbeServer.start("node", arrivals, node, Owner.ROOT, List.of(443)));
    }

    /** Where a probe from the pod arrives. */
    String fromPod(Probe probe) {
        return new ProbeSender(pod, arrivals).send(probe).place();
    }

    /** Where a probe from the node arrives. */
    String fromNode(Probe probe) {
        return new ProbeSender(node, arrivals).send(probe).place();
    }

    @Override
    public void close() {
        try (node;
                pod) {
            servers.forEach(ProbeServer::close);
            agent.close();
            HostState.removeTree(directory);
        }
    }

    private void meshcni(String command, Path runDirectory) {
        Command.of(
                        Dist.program("meshcni").toString(),
                        command,
                        "--chained-cni-plugin=false",
                        "--mounted-cni-net-dir=" + standaloneDirectory(),
                        "--cni-bin-target-dir=" + pluginDirectory(),
                        "--cni-agent-run-dir=" + runDirectory)
                .within(COPYING)
                .run();
    }

    private static Path plugins(Netns node) {
        try {
            Path directory = Files.createTempDirectory("it-chain-");
            Files.createDirectory(directory.resolve("multus.net.d"));
            Path bin = Files.createDirectory(directory.resolve("bin"));
            Files.createSymbolicLink(bin.resolve("istio-cni"), Dist.program("istio-cni"));
            for (String type : List.of("ptp", "bridge", "portmap", "firewall", "host-local")) {
                String line = String.join(
                        " ",
                        node.commandLine(Machine.Plugins.DIRECTORY.resolve(type).toString()));
                Path script = Files.writeString(bin.resolve(type), "#!/bin/sh\nexec " + line + "\n");
                Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
