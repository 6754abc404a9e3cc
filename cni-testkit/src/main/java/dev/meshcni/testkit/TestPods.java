// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;

/** Pods as the API server holds them. */
public final class TestPods {
    public static final String NAMESPACE = "shop";

    /** The kubelet's name for a static pod. */
    public static final String STATIC_UID = "0123456789abcdef0123456789abcdef";

    private TestPods() {}

    /** A pod of this node with a sidecar. */
    public static Pod injected(String name) {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace(NAMESPACE)
                .withName(name)
                .addToAnnotations("sidecar.istio.io/status", "{\"revision\":\"default\"}")
                .addToAnnotations("traffic.sidecar.istio.io/excludeInboundPorts", "9090")
                .endMetadata()
                .withNewSpec()
                .withNodeName(FakeApiServer.NODE)
                .addNewInitContainer()
                .withName("istio-validation")
                .endInitContainer()
                .addNewContainer()
                .withName("app")
                .endContainer()
                .addNewContainer()
                .withName("istio-proxy")
                .withImage("registry.example/istio/proxyv2:1.31.1")
                .withArgs("proxy", "sidecar", "--domain", "shop.svc.cluster.local")
                .endContainer()
                .endSpec()
                .build();
    }

    /** The same on another node. */
    public static Pod elsewhere(String name) {
        return injected(name).edit().editSpec().withNodeName("node-b").endSpec().build();
    }

    /** The pod, as the mirror of a static pod. */
    public static Pod mirror(Pod pod, String staticUid) {
        return pod.edit()
                .editMetadata()
                .addToAnnotations("kubernetes.io/config.hash", staticUid)
                .addToAnnotations("kubernetes.io/config.mirror", staticUid)
                .addToAnnotations("kubernetes.io/config.source", "file")
                .addNewOwnerReference()
                .withApiVersion("v1")
                .withKind("Node")
                .withName(FakeApiServer.NODE)
                .withUid("uid-of-the-node")
                .withController(true)
                .endOwnerReference()
                .endMetadata()
                .build();
    }

    /** The pod, running. */
    public static Pod started(Pod pod) {
        return pod.edit()
                .withNewStatus()
                .withPhase("Running")
                .addNewInitContainerStatus()
                .withName("istio-validation")
                .withContainerID("containerd://1")
                .withNewState()
                .withNewTerminated()
                .withExitCode(0)
                .withReason("Completed")
                .endTerminated()
                .endState()
                .endInitContainerStatus()
                .endStatus()
                .build();
    }

    /** The pod, with {@code istio-validation} in a crash loop. */
    public static Pod crashing(Pod pod, int exitCode) {
        return pod.edit()
                .withNewStatus()
                .withPhase("Pending")
                .addNewInitContainerStatus()
                .withName("istio-validation")
                .withContainerID("containerd://1")
                .withNewState()
                .withNewWaiting()
                .withReason("CrashLoopBackOff")
                .endWaiting()
                .endState()
                .withNewLastState()
                .withNewTerminated()
                .withExitCode(exitCode)
                .withReason("Error")
                .endTerminated()
                .endLastState()
                .endInitContainerStatus()
                .endStatus()
                .build();
    }
}
