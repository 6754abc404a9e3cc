// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.util.Objects.requireNonNull;

import dev.meshcni.testkit.FakeApiServer;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** What a kubelet does about the pods of its node, as far as their networks need it. */
final class Kubelet {
    /** How long one pod may take to start, with all attempts. */
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private static final Duration PAUSE = Duration.ofMillis(250);
    private static final long USER = 1000;

    private final Containerd containerd;
    private final FakeApiServer api;
    private final List<String> refusals = new CopyOnWriteArrayList<>();

    Kubelet(Containerd containerd, FakeApiServer api) {
        this.containerd = requireNonNull(containerd, "containerd is null");
        this.api = requireNonNull(api, "api is null");
    }

    /** A pod whose sandbox runs. */
    record RunningPod(CriClient.Sandbox sandbox, String sandboxId, Netns netns, String address) {
        String namespace() {
            return sandbox.namespace();
        }

        String name() {
            return sandbox.name();
        }

        String uid() {
            return sandbox.uid();
        }
    }

    /** Starts a pod that the API server then knows, with an application, and reports that it runs. */
    RunningPod start(PodManifest manifest) {
        RunningPod pod = run(manifest);
        String container = containerd
                .cri()
                .start(pod.sandboxId(), pod.sandbox(), Containerd.APP_IMAGE, USER, List.of("/bin/sleep", "100000"));
        ContainerStatus status = new ContainerStatusBuilder()
                .withName("app")
                .withContainerID("containerd://" + container)
                .withReady(true)
                .withNewState()
                .withNewRunning()
                .endRunning()
                .endState()
                .build();
        api.update(
                pod.namespace(),
                pod.name(),
                shown -> shown.edit()
                        .withNewStatus()
                        .withPhase("Running")
                        .withPodIP(pod.address())
                        .withContainerStatuses(status)
                        .endStatus()
                        .build());
        return pod;
    }

    /**
     * Runs the sandbox of a pod that the API server then knows, and that gets its UID there; an attempt that fails is
     * followed by another.
     */
    RunningPod run(PodManifest manifest) {
        Pod pod = api.create(Serialization.unmarshal(manifest.json(), Pod.class)
                .edit()
                .editSpec()
                .withNodeName(FakeApiServer.NODE)
                .endSpec()
                .build());
        CriClient.Sandbox sandbox = containerd.sandbox(
                manifest.namespace(), manifest.name(), pod.getMetadata().getUid(), Map.of());
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        Optional<String> id = attempt(sandbox);
        while (id.isEmpty() && System.nanoTime() < deadline) {
            pause();
            id = attempt(sandbox);
        }
        String sandboxId = id.orElseThrow(() -> new AssertionError(
                "pod " + manifest.name() + " did not start within " + PATIENCE + ": " + refusals.getLast()));
        Netns netns = Netns.existing(containerd.netns(sandboxId));
        return new RunningPod(
                sandbox, sandboxId, netns, containerd.cri().status(sandboxId).address());
    }

    /** Ends a pod. */
    void end(RunningPod pod) {
        containerd.cri().stop(pod.sandboxId());
        containerd.cri().remove(pod.sandboxId());
        if (api.pod(pod.namespace(), pod.name()).isPresent()) {
            api.delete(pod.namespace(), pod.name());
        }
    }

    /** Why attempts to start a pod have failed, in the runtime's words. */
    List<String> refusals() {
        return refusals;
    }

    private Optional<String> attempt(CriClient.Sandbox sandbox) {
        try {
            return Optional.of(containerd.cri().run(sandbox));
        } catch (StatusRuntimeException e) {
            refusals.add(e.getMessage());
            return Optional.empty();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted between two attempts", e);
        }
    }
}
