// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.k3s.K3sContainer;
import org.testcontainers.utility.DockerImageName;
import org.testcontainers.utility.MountableFile;

/**
 * A Kubernetes cluster of one node: K3s in a container, with its own kubectl. Every step says on standard output what
 * it waits for, and for how long at most.
 */
final class K3sCluster implements AutoCloseable {
    private static final DockerImageName IMAGE =
            DockerImageName.parse(System.getProperty("meshcni.k3s.image", "rancher/k3s:v1.31.4-k3s1"));

    private static final Duration START = Duration.ofMinutes(4);
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final String REQUEST_TIMEOUT = "--request-timeout=30s";

    private final K3sContainer container;

    private K3sCluster(K3sContainer container) {
        this.container = requireNonNull(container, "container is null");
    }

    /** Whether this machine has a Docker daemon that answers. */
    static boolean dockerAnswers() {
        return DockerClientFactory.instance().isDockerAvailable();
    }

    static K3sCluster start() {
        say("K3s from " + IMAGE + " starts", START);
        K3sContainer container =
                new K3sContainer(IMAGE.asCompatibleSubstituteFor("rancher/k3s")).withStartupTimeout(START);
        K3sCluster cluster = new K3sCluster(container);
        try {
            container.start();
            // The daemon's pod sees the namespaces of later pods only through mounts that are shared.
            cluster.run("mount", "--make-rshared", "/");
            cluster.eventually(
                    "the node is ready",
                    () -> cluster.succeeds(
                            "kubectl", "wait", "--for=condition=Ready", "node", "--all", "--timeout=5s"));
            return cluster;
        } catch (RuntimeException | Error e) {
            cluster.close();
            throw e;
        }
    }

    /** Makes an image known to the node's runtime. */
    void importImage(Path archive) {
        String copy = "/tmp/" + archive.getFileName();
        container.copyFileToContainer(MountableFile.forHostPath(archive), copy);
        run("ctr", "--namespace", "k8s.io", "images", "import", copy);
    }

    /** Makes a namespace, and waits until pods can be made in it. */
    void createNamespace(String name) {
        kubectl("create", "namespace", name);
        eventually(
                "the service account of namespace " + name + " is there",
                () -> succeeds("kubectl", "get", "serviceaccount", "default", "--namespace=" + name, REQUEST_TIMEOUT));
    }

    /** Applies YAML, which is kept under a name for {@link #delete}. */
    void apply(String name, String yaml) {
        container.copyFileToContainer(Transferable.of(yaml.getBytes(UTF_8)), file(name));
        kubectl("apply", "--filename=" + file(name), REQUEST_TIMEOUT);
    }

    /** Deletes what was applied. */
    void delete(String name) {
        say("what " + name + " has made is deleted", PATIENCE);
        kubectl("delete", "--filename=" + file(name), "--timeout=" + PATIENCE.toSeconds() + "s");
    }

    /** Waits until a pod of the namespace shop is ready. */
    void awaitReady(String pod) {
        say("pod " + pod + " is ready", PATIENCE);
        ExecResult result = result(
                "kubectl",
                "wait",
                "--namespace=shop",
                "--for=condition=Ready",
                "pod/" + pod,
                "--timeout=" + PATIENCE.toSeconds() + "s");
        if (result.getExitCode() != 0) {
            throw new AssertionError("pod " + pod + " is not ready within " + PATIENCE + ": " + result.getStderr()
                    + kubectl("describe", "pod", "--namespace=shop", pod, REQUEST_TIMEOUT));
        }
    }

    /** The address of a pod of the namespace shop. */
    String address(String pod) {
        return kubectl("get", "pod", "--namespace=shop", pod, "--output=jsonpath={.status.podIP}", REQUEST_TIMEOUT);
    }

    /** Waits for something; if it does not come about, the failure shows the log of the daemon. */
    void eventually(String condition, BooleanSupplier holds) {
        say(condition, PATIENCE);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                ExecResult log = result(
                        "kubectl", "logs", "--namespace=istio-system", "daemonset/istio-cni-node", REQUEST_TIMEOUT);
                throw new AssertionError(
                        "not within " + PATIENCE + ": " + condition + "\n" + log.getStdout() + log.getStderr());
            }
            pause();
        }
    }

    /** Runs kubectl, which must succeed, and returns its standard output. */
    String kubectl(String... arguments) {
        List<String> line = new ArrayList<>(List.of("kubectl"));
        line.addAll(List.of(arguments));
        return run(line.toArray(String[]::new));
    }

    /** Whether a command on the node exits with 0. */
    boolean succeeds(String... line) {
        return result(line).getExitCode() == 0;
    }

    @Override
    public void close() {
        container.stop();
    }

    private String run(String... line) {
        ExecResult result = result(line);
        if (result.getExitCode() != 0) {
            throw new AssertionError(String.join(" ", line) + " exited with " + result.getExitCode() + ": "
                    + result.getStderr() + result.getStdout());
        }
        return result.getStdout();
    }

    private ExecResult result(String... line) {
        try {
            return container.execInContainer(line);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static AssertionError interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new AssertionError("interrupted", e);
    }

    private static void say(String condition, Duration patience) {
        System.out.println("K3s: waiting until " + condition + ", at most " + patience.toSeconds() + " s");
    }

    private static String file(String name) {
        return "/tmp/" + name + ".yaml";
    }
}
