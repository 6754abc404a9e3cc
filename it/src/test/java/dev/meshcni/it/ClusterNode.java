// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.util.Objects.requireNonNull;

import dev.meshcni.testkit.FakeApiServer;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.apps.DaemonSetBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * A node of a cluster: containerd with the base CNI ptp, the daemon with its installer, and a kubelet. The API server
 * is in this JVM, and the daemon reaches it through a port on the node's own loopback interface.
 */
final class ClusterNode implements AutoCloseable {
    /** Where {@link #wayOut} sends to: no machine that exists, but the node claims the address. */
    private static final String ANYWHERE = "10.1.2.3";

    private static final String CONF = "10-ptp.conflist";
    private static final String NAMESPACE = "istio-system";
    private static final String DAEMON_SET = "istio-cni-node";
    private static final String DAEMON_SETS = "/apis/apps/v1/namespaces/" + NAMESPACE + "/daemonsets";

    private final Arrivals arrivals = new Arrivals();
    private final Path directory;
    private final Containerd containerd;
    private final FakeApiServer api;
    private final Kubelet kubelet;
    private final DaemonProcess daemon;
    private final ProbeServer world;

    private ClusterNode(Path directory, Containerd containerd, FakeApiServer api) {
        this.directory = requireNonNull(directory, "directory is null");
        this.containerd = requireNonNull(containerd, "containerd is null");
        this.api = requireNonNull(api, "api is null");
        this.kubelet = new Kubelet(containerd, api);
        this.daemon = new DaemonProcess(
                directory.resolve("daemon.log"),
                runDirectory(),
                nsenter -> nsenter.children().findFirst().orElseGet(nsenter::toHandle));
        this.world = ProbeServer.start("world", arrivals, containerd.node(), Owner.ROOT, List.of(443));
    }

    /** Skips the test unless this machine can run it. */
    static void needed() {
        Containerd.needed();
        Dist.needed();
    }

    /** Starts it, without the daemon. */
    static ClusterNode start() {
        Containerd containerd = Containerd.start();
        try {
            containerd.node().claimAllAddresses();
            containerd.configure(CONF, BaseChain.ptp(containerd.ipamDirectory()));
            ServerSocket entrance =
                    containerd.node().inside(() -> new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
            return new ClusterNode(Files.createTempDirectory("it-cluster-"), containerd, new FakeApiServer(entrance));
        } catch (IOException e) {
            containerd.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException | Error e) {
            containerd.close();
            throw e;
        }
    }

    Containerd containerd() {
        return containerd;
    }

    FakeApiServer api() {
        return api;
    }

    Kubelet kubelet() {
        return kubelet;
    }

    DaemonProcess daemon() {
        return daemon;
    }

    /** The base CNI's configuration, into which the plugin is chained. */
    String conf() {
        return read(containerd.confDirectory().resolve(CONF));
    }

    /** What {@code istio-cni} in the directory of plugins leads to. */
    Path plugin() {
        try {
            return containerd.pluginDirectory().resolve("istio-cni").toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes the DaemonSet known, without which the end of the daemon would never be an uninstallation. */
    void createDaemonSet() {
        api.create(
                DAEMON_SETS,
                new DaemonSetBuilder()
                        .withNewMetadata()
                        .withNamespace(NAMESPACE)
                        .withName(DAEMON_SET)
                        .endMetadata()
                        .build());
    }

    void deleteDaemonSet() {
        api.delete(DAEMON_SETS + "/" + DAEMON_SET);
    }

    /**
     * Starts the daemon, and waits until it is ready and the runtime calls the plugin.
     *
     * @param options more options of install-cni
     */
    void startDaemon(String... options) {
        launchDaemon(Dist.root(), options);
        eventually("the daemon is ready", () -> get(8000, "/readyz").succeeded());
        eventually(
                "the runtime has loaded the plugin",
                () -> containerd.cri().networks().toString().contains("istio-cni"));
    }

    /** Starts the daemon of a distribution, and waits only until it answers. */
    void launchDaemon(Path dist, String... options) {
        String[] line = Stream.concat(
                        Stream.of(
                                dist.resolve("bin/install-cni").toString(),
                                "--kubeconfig=" + kubeconfig(),
                                "--node-name=" + FakeApiServer.NODE,
                                "--pod-namespace=" + NAMESPACE,
                                "--exclude-namespaces=kube-system",
                                "--mounted-cni-net-dir=" + containerd.confDirectory(),
                                "--cni-bin-target-dir=" + containerd.pluginDirectory(),
                                "--cni-agent-run-dir=" + runDirectory()),
                        Stream.of(options))
                .toArray(String[]::new);
        daemon.start(containerd.commandLine(line));
    }

    /** Waits for what the daemon does; if that does not come about, the failure shows the daemon's log. */
    void eventually(String condition, BooleanSupplier holds) {
        try {
            Eventually.isTrue(condition, holds);
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "; the daemon's log:\n" + daemon.logged(), e);
        }
    }

    /** Where a connection arrives that an application in the pod makes to the world; its proxy listens meanwhile. */
    String wayOut(Netns pod) {
        try (ProbeServer _ = ProbeServer.start("proxy", arrivals, pod, Owner.PROXY, List.of(15001))) {
            return new ProbeSender(pod, arrivals)
                    .send(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))
                    .place();
        }
    }

    /** Where a connection arrives that somebody on the node makes to the pod's port 8080. */
    String wayIn(Kubelet.RunningPod pod) {
        try (ProbeServer _ = ProbeServer.start("proxy", arrivals, pod.netns(), Owner.PROXY, List.of(15006));
                ProbeServer _ = ProbeServer.start("app", arrivals, pod.netns(), Owner.APPLICATION, List.of(8080))) {
            return new ProbeSender(containerd.node(), arrivals)
                    .send(Probe.tcp(pod.address(), 8080))
                    .place();
        }
    }

    /** The value of a series of the daemon's metrics; 0 if there is none. */
    double metric(String series) {
        return get(15014, "/metrics")
                .out()
                .lines()
                .filter(line -> line.startsWith(series + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(series.length())))
                .sum();
    }

    /** The events that were written about a pod: what {@code kubectl describe pod} would show. */
    List<Event> events(Kubelet.RunningPod pod) {
        return api.calls().stream()
                .filter(call -> call.method().equals("POST") && call.path().endsWith("/events"))
                .map(call -> Serialization.unmarshal(call.body(), Event.class))
                .filter(event -> event.getInvolvedObject().getUid().equals(pod.uid()))
                .toList();
    }

    /** All files that the daemon has put on the node, apart from those of the plugin's tree. */
    List<Path> installedFiles() {
        return Stream.of(containerd.confDirectory(), containerd.pluginDirectory(), runDirectory())
                .flatMap(place -> HostState.entries(place).stream())
                .sorted()
                .toList();
    }

    /** What the agent has recorded of the pods that it redirected. */
    List<Path> attachments() {
        return HostState.entries(runDirectory().resolve("attachments"));
    }

    @Override
    public void close() {
        try (containerd;
                api) {
            daemon.close();
            world.close();
            HostState.removeTree(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Command.Result get(int port, String path) {
        // Whatever proxy this machine uses for the web is none on the node.
        return containerd
                .node()
                .command("busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:" + port + path)
                .environment(Map.of("http_proxy", ""))
                .result();
    }

    private Path runDirectory() {
        return directory.resolve("run");
    }

    private Path kubeconfig() {
        try {
            return api.kubeconfig(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
