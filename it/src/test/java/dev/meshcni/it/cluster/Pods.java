// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.List;
import java.util.Map;

/** Pods of the mesh and others, with busybox as their programs. */
final class Pods {
    static final String IMAGE = "localhost/mesh-cni-test:1";
    static final String APP = "app";

    /** What the proxy's outbound listener says to whoever connects. */
    static final String PROXY = "proxy";

    /** What the proxy's inbound listener says. */
    static final String INBOUND = "inbound";

    /** What a pod outside the mesh says. */
    static final String WORLD = "world";

    static final String IDLE = "exec sleep 100000";

    private static final String PROXY_CONTAINER = "istio-proxy";
    private static final long PROXY_USER = 1337;
    private static final long APP_USER = 1000;
    private static final String LISTENERS =
            "nc -ll -p 15001 -e echo " + PROXY + " & exec nc -ll -p 15006 -e echo " + INBOUND;

    private static final String SERVE = "mkdir /www && echo " + WORLD + " >/www/index.html && "
            + "exec busybox httpd -f -vv -p " + Peer.PORT + " -h /www";

    private Pods() {}

    /** A pod as the injector leaves it: something in place of the proxy listens on its ports. */
    static Pod injected(String name, String script) {
        return injected(name, Map.of(), script);
    }

    static Pod injected(String name, Map<String, String> labels, String script) {
        return pod(
                name,
                labels,
                Map.of("sidecar.istio.io/status", "{}"),
                List.of(
                        container(APP, script, APP_USER).build(),
                        // These arguments tell a sidecar from other proxies; the shell takes them for $0 and $1.
                        container(PROXY_CONTAINER, LISTENERS, PROXY_USER)
                                .withArgs("proxy", "sidecar")
                                .addNewEnv()
                                .withName("ISTIO_DUAL_STACK")
                                .withValue("true")
                                .endEnv()
                                .build()));
    }

    /** An injected pod that Multus attaches to another network. */
    static Pod attached(String name, String network, String script) {
        return new PodBuilder(injected(name, script))
                .editMetadata()
                .addToAnnotations("k8s.v1.cni.cncf.io/networks", network)
                .endMetadata()
                .build();
    }

    /** A pod that nothing was injected into. */
    static Pod plain(String name, String script) {
        return pod(name, Map.of(), Map.of(), List.of(container(APP, script, 0).build()));
    }

    /** A web server without a proxy of its own, which the kubelet probes, with a service account of its own name. */
    static Pod serving(String name) {
        return withAccount(pod(
                name,
                Map.of(),
                Map.of(),
                List.of(container(APP, SERVE, 0)
                        .withNewReadinessProbe()
                        .withPeriodSeconds(1)
                        .withNewHttpGet()
                        .withPath("/")
                        .withNewPort(Peer.PORT)
                        .endHttpGet()
                        .endReadinessProbe()
                        .build())));
    }

    /** A pod that calls others, without a proxy of its own, with a service account of its own name. */
    static Pod calling(String name, String script) {
        return withAccount(plain(name, script));
    }

    private static Pod withAccount(Pod pod) {
        return pod.edit()
                .editSpec()
                .withServiceAccountName(pod.getMetadata().getName())
                .endSpec()
                .build();
    }

    private static Pod pod(
            String name, Map<String, String> labels, Map<String, String> annotations, List<Container> containers) {
        return new PodBuilder()
                .withNewMetadata()
                .withName(name)
                .withLabels(labels)
                .withAnnotations(annotations)
                .endMetadata()
                .withNewSpec()
                .withTerminationGracePeriodSeconds(0L)
                .withContainers(containers)
                .endSpec()
                .build();
    }

    private static ContainerBuilder container(String name, String script, long user) {
        return new ContainerBuilder()
                .withName(name)
                .withImage(IMAGE)
                .withImagePullPolicy("Never")
                .withCommand("sh", "-c", script)
                .withNewSecurityContext()
                .withRunAsUser(user)
                .withRunAsGroup(user)
                .endSecurityContext();
    }
}
