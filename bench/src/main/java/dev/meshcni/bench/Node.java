// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A node for measuring: the agent of the distribution, two pods that it knows, and a network namespace for both. */
final class Node implements AutoCloseable {
    /** A pod of the mesh: its traffic is redirected. */
    static final String REDIRECTED = "redirected";

    /** A pod outside the mesh: nothing is done for it. */
    static final String PLAIN = "plain";

    private final Scratch scratch;
    private final PodNamespace namespace;
    private final Agent agent;

    private Node(Scratch scratch, PodNamespace namespace, Agent agent) {
        this.scratch = scratch;
        this.namespace = namespace;
        this.agent = agent;
    }

    static Node start(Path dist) throws IOException {
        Scratch scratch = Scratch.make();
        try {
            PodNamespace namespace = PodNamespace.make();
            try {
                return new Node(scratch, namespace, startAgent(dist, scratch.directory()));
            } catch (IOException | RuntimeException e) {
                namespace.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            scratch.close();
            throw e;
        }
    }

    /** A directory that goes when the node goes. */
    Path directory() {
        return scratch.directory();
    }

    Agent agent() {
        return agent;
    }

    /** The variables of a call for a pod. */
    Map<String, String> environment(String verb, String pod) {
        return new PodCall("bench", pod, namespace).environment(verb);
    }

    /** The configuration that a runtime passes to a chained plugin of {@code type} on standard input. */
    byte[] config(String type) {
        return new PodCall("bench", REDIRECTED, namespace).config(type, agent);
    }

    /** Gives the pods a new namespace, as an ADD finds it. */
    void renewNamespace() throws IOException {
        namespace.renew();
        Agent.letTheKernelClearUp();
    }

    @Override
    public void close() throws IOException {
        agent.close();
        namespace.close();
        scratch.close();
    }

    private static Agent startAgent(Path dist, Path directory) throws IOException {
        Path pods = Files.createDirectory(directory.resolve("pods"));
        Files.writeString(pods.resolve(PLAIN + ".yaml"), pod(PLAIN, ""), UTF_8);
        Files.writeString(
                pods.resolve(REDIRECTED + ".yaml"), pod(REDIRECTED, ", {name: istio-proxy, image: proxy}"), UTF_8);
        return Agent.start(dist, directory, List.of("--pod-manifest-dir=" + pods));
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
}
