// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import dev.meshcni.it.Command;
import dev.meshcni.it.Dist;
import dev.meshcni.it.DockerArchive;
import dev.meshcni.it.HostState;
import dev.meshcni.kubernetes.ApiAccess;
import dev.meshcni.kubernetes.ClientConfig;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** The cluster that KUBECONFIG names, with its node and what is installed in it. */
final class Cluster implements AutoCloseable {
    private static final Path IMAGE = Dist.root().resolveSibling("image/mesh-cni.tar");
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final Duration REQUEST = Duration.ofSeconds(10);
    private static final Duration PAUSE = Duration.ofMillis(250);

    private final KubernetesClient client;
    private final NodeMachine machine;
    private final Installation installation;
    private final String nodeName;

    private Cluster(KubernetesClient client, NodeMachine machine) {
        this.client = requireNonNull(client, "client is null");
        this.machine = requireNonNull(machine, "machine is null");
        this.installation = new Installation(this);
        List<Node> nodes = client.nodes().list().getItems();
        if (nodes.size() != 1) {
            throw new IllegalStateException("these tests need a cluster of one node, this one has " + nodes.size());
        }
        this.nodeName = nodes.getFirst().getMetadata().getName();
    }

    /** Connects, imports the images, and removes what an interrupted run has left. */
    static Cluster connect() {
        try {
            ApiAccess access = ClientConfig.of(Optional.empty(), Optional.empty(), REQUEST);
            // A test sees at once that the API server is away.
            access.config().setRequestRetryBackoffLimit(0);
            Cluster cluster = new Cluster(access.client().build(), new MachineByCommands());
            cluster.machine.importImage(IMAGE);
            Path work = Files.createTempDirectory("cluster-image-");
            try {
                cluster.machine.importImage(DockerArchive.busybox(work, Pods.IMAGE, List.of("/bin/sh")));
            } finally {
                HostState.removeTree(work);
            }
            TestNamespace.removeAll(cluster);
            cluster.installation.removeLeftOver();
            NodeTaints.remove(cluster);
            Report.line("Kubernetes " + cluster.client.getKubernetesVersion().getGitVersion() + ", "
                    + cluster.node().getStatus().getNodeInfo().getContainerRuntimeVersion() + ", Linux "
                    + cluster.node().getStatus().getNodeInfo().getKernelVersion());
            return cluster;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    KubernetesClient client() {
        return client;
    }

    NodeMachine machine() {
        return machine;
    }

    Installation installation() {
        return installation;
    }

    Node node() {
        return client.nodes().withName(nodeName).require();
    }

    /** Runs kubectl as an operator would, with text on its standard input; it must succeed. */
    static String kubectl(String input, String... arguments) {
        return Command.of(Stream.concat(Stream.of("kubectl"), Stream.of(arguments))
                        .toArray(String[]::new))
                .input(input)
                .within(PATIENCE)
                .run();
    }

    /** Runs the command line of the distribution, with this cluster as its own. */
    static Command meshcni(String... arguments) {
        return Command.of(Stream.concat(Stream.of(Dist.program("meshcni").toString()), Stream.of(arguments))
                        .toArray(String[]::new))
                .within(PATIENCE);
    }

    /** Waits for something; if it does not come about, the failure shows the daemon's log. */
    void eventually(String condition, BooleanSupplier holds) {
        eventually(condition, PATIENCE, holds);
    }

    void eventually(String condition, Duration patience, BooleanSupplier holds) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!holdsNow(holds)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(
                        "not within " + patience.toSeconds() + " s: " + condition + "\n" + installation.log());
            }
            pause(PAUSE);
        }
    }

    static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        TestNamespace.removeAll(this);
        installation.remove();
        client.close();
    }

    /** An API server that is away for a moment is no answer. */
    private static boolean holdsNow(BooleanSupplier holds) {
        try {
            return holds.getAsBoolean();
        } catch (KubernetesClientException e) {
            return false;
        }
    }
}
