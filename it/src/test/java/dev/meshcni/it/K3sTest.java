// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole on a real Kubernetes: what {@code meshcni manifest} prints is applied to K3s, which runs in a container;
 * pods that were there before are repaired, later ones are redirected from the start, and what is uninstalled is gone.
 *
 * <p>It runs where a Docker daemon answers, and needs K3s's own images there; machines without Docker skip it, those of
 * CI among them. The system property {@code meshcni.k3s.image} names another image of K3s.
 */
@Timeout(value = 15 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@Slow
class K3sTest {
    private static final String CONF_DIR = "/var/lib/rancher/k3s/agent/etc/cni/net.d";
    private static final String PLUGIN = "/var/lib/rancher/k3s/data/cni/istio-cni";
    private static final String THROUGH_PROXY = "proxy";
    private static final String PAST_PROXY = "world";

    private K3sCluster cluster;

    // Not once for the class: Surefire does not count tests that are skipped so.
    @BeforeEach
    void startCluster(@TempDir Path directory) throws IOException {
        assumeTrue(K3sCluster.dockerAnswers(), "needs Docker: no Docker daemon answers on this machine");
        Machine.needs("busybox", "tar");
        Path image = DaemonImage.build();
        cluster = K3sCluster.start();
        cluster.importImage(image);
        cluster.importImage(DockerArchive.busybox(directory, Containerd.APP_IMAGE, List.of("/bin/sh")));
        cluster.createNamespace("shop");
        cluster.createNamespace("istio-system");
    }

    @AfterEach
    void endCluster() {
        if (cluster != null) {
            cluster.close();
        }
    }

    @Test
    void isInstalledRepairsThePodThatWasThereRedirectsLaterOnesAndIsUninstalled() {
        cluster.apply("world", pod("world", "", listener("app", 8080, PAST_PROXY, 1000)));
        cluster.apply("early", injected("early"));
        cluster.awaitReady("world");
        cluster.awaitReady("early");
        String world = cluster.address("world");
        assertThat(answer("early", world)).isEqualTo(PAST_PROXY);

        cluster.apply("mesh-cni", manifest());
        cluster.kubectl("rollout", "status", "--namespace=istio-system", "daemonset/istio-cni-node", "--timeout=180s");

        cluster.eventually(
                "the pod that was there before is redirected",
                () -> answer("early", world).equals(THROUGH_PROXY));
        cluster.eventually(
                "the event of its repair is there",
                () -> cluster.kubectl(
                                "get",
                                "events",
                                "--namespace=shop",
                                "--field-selector=involvedObject.name=early,reason=RepairBrokenPod",
                                "--output=name")
                        .startsWith("event/"));
        cluster.apply("late", injected("late"));
        cluster.awaitReady("late");
        assertThat(answer("late", world)).isEqualTo(THROUGH_PROXY);

        cluster.delete("mesh-cni");

        cluster.eventually(
                "no configuration names the plugin", () -> !cluster.succeeds("grep", "-rq", "istio-cni", CONF_DIR));
        cluster.eventually("the plugin is gone", () -> !cluster.succeeds("test", "-L", PLUGIN));
        cluster.apply("after", injected("after"));
        cluster.awaitReady("after");
        assertThat(answer("after", world)).isEqualTo(PAST_PROXY);
        assertThat(answer("late", world)).isEqualTo(THROUGH_PROXY);
    }

    private static String manifest() {
        return Command.of(Dist.program("meshcni").toString(), "manifest", "--platform=k3s")
                .run();
    }

    /**
     * Who answers when the application in a pod connects to port 8080 of an address: what is there, or the pod's proxy.
     */
    private String answer(String pod, String address) {
        return cluster.kubectl(
                        "exec",
                        "--namespace=shop",
                        pod,
                        "--container=app",
                        "--",
                        "sh",
                        "-c",
                        "nc -w 5 " + address + " 8080 </dev/null")
                .strip();
    }

    /** A pod as the injector leaves it, with something in place of the proxy that says so to whoever connects. */
    private static String injected(String name) {
        return pod(
                name,
                "sidecar.istio.io/status: '{}'",
                container("app", "sleep 100000", "exit 0", 1000) + listener("istio-proxy", 15001, THROUGH_PROXY, 1337));
    }

    private static String pod(String name, String annotation, String containers) {
        return """
                apiVersion: v1
                kind: Pod
                metadata:
                  namespace: shop
                  name: %s
                  annotations: {%s}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers:
                %s""".formatted(name, annotation, containers);
    }

    /** A container that says a word to whoever connects to a port, and is ready when it does. */
    private static String listener(String name, int port, String word, long user) {
        return container(
                name,
                "nc -ll -p %d -e echo %s".formatted(port, word),
                "nc -w 1 127.0.0.1 %d </dev/null".formatted(port),
                user);
    }

    /**
     * The arguments are those by which a proxy is known as a sidecar's; the shell takes them for its own name and $1.
     */
    private static String container(String name, String command, String readiness, long user) {
        return """
                - name: %s
                  image: %s
                  imagePullPolicy: Never
                  command: [/bin/sh, -c, exec %s]
                  args: [proxy, sidecar]
                  readinessProbe: {exec: {command: [/bin/sh, -c, %s]}, periodSeconds: 1, timeoutSeconds: 5}
                  securityContext: {runAsUser: %d, runAsGroup: %d}
                """.formatted(name, Containerd.APP_IMAGE, command, readiness, user, user)
                .indent(2);
    }
}
