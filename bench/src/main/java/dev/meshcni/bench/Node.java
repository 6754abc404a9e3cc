// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A node for measuring: the agent of the distribution, an API server from which it knows two pods, and a network
 * namespace for both.
 */
final class Node implements AutoCloseable {
    /** A pod of the mesh: its traffic is redirected. */
    static final String REDIRECTED = "redirected";

    /** A pod outside the mesh: nothing is done for it. */
    static final String PLAIN = "plain";

    private final Scratch scratch;
    private final ApiServer api;
    private final PodNamespace namespace;
    private final Agent agent;

    private Node(Scratch scratch, ApiServer api, PodNamespace namespace, Agent agent) {
        this.scratch = scratch;
        this.api = api;
        this.namespace = namespace;
        this.agent = agent;
    }

    static Node start(Path dist) throws IOException {
        Scratch scratch = Scratch.make();
        try {
            PodNamespace namespace = PodNamespace.make();
            try {
                return start(dist, scratch, namespace);
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
        api.close();
        namespace.close();
        scratch.close();
    }

    private static Node start(Path dist, Scratch scratch, PodNamespace namespace) throws IOException {
        ApiServer api = ApiServer.start(List.of(ClusterPod.of(REDIRECTED), ClusterPod.outside(PLAIN)));
        try {
            List<String> options = AgentLoad.options(api, scratch.directory(), "--health-port=0");
            return new Node(scratch, api, namespace, Agent.start(dist, scratch.directory(), options));
        } catch (IOException | RuntimeException e) {
            api.close();
            throw e;
        }
    }
}
