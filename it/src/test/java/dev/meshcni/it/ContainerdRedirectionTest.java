// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.testkit.NeedsRoot;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The whole way of an ADD on a real runtime: containerd, the reference plugin ptp, istio-cni and the agent. */
@NeedsRoot("makes network namespaces")
class ContainerdRedirectionTest {
    private static final String DUAL_STACK = "ISTIO_DUAL_STACK";
    private static final String EXCLUDE_INBOUND = "traffic.sidecar.istio.io/excludeInboundPorts";
    private static final String ANYWHERE = "10.1.2.3";
    private static final String ANYWHERE_V6 = "fd99::7";

    private static Containerd containerd;

    private final Arrivals arrivals = new Arrivals();
    private final List<ProbeServer> servers = new ArrayList<>();
    private Agent agent;

    @BeforeAll
    static void startRuntime() {
        Containerd.needed();
        Dist.needed();
        containerd = Containerd.start();
        containerd.plugin("istio-cni", Dist.program("istio-cni"));
        containerd.node().claimAllAddresses();
    }

    @AfterAll
    static void stopRuntime() {
        if (containerd != null) {
            containerd.close();
        }
    }

    @BeforeEach
    void startAgent() {
        agent = Agent.start(containerd.node(), "--pod-wait-seconds", "30");
        containerd.configure("10-mesh.conflist", BaseChain.ptp(containerd.ipamDirectory(), agent.pluginConf()));
    }

    @AfterEach
    void stopAgent() {
        servers.forEach(ProbeServer::close);
        agent.close();
    }

    @Test
    void theTrafficOfAnInjectedPodGoesThroughItsProxy() {
        CriClient.Sandbox pod = containerd.sandbox("shop", "cart-0", "uid-cart-0", Map.of());
        agent.know(PodManifest.injected("shop", "cart-0", "uid-cart-0")
                .annotated(EXCLUDE_INBOUND, "9090")
                .proxyEnvironment(DUAL_STACK, "true"));

        String sandbox = containerd.cri().run(pod);
        Netns netns = listenIn(sandbox);
        ProbeSender inside = new ProbeSender(netns, arrivals);
        ProbeSender outside = new ProbeSender(containerd.node(), arrivals);
        String address = containerd.cri().status(sandbox).address();

        assertThat(inside.send(List.of(
                        Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION),
                        Probe.tcp(ANYWHERE, 443).as(Owner.PROXY),
                        Probe.tcp(ANYWHERE_V6, 443).as(Owner.APPLICATION),
                        Probe.tcp(ANYWHERE_V6, 443).as(Owner.PROXY))))
                .map(Outcome::place)
                .containsExactly("proxy:15001", "node:443", "proxy:15001", "node:443");
        assertThat(outside.send(List.of(Probe.tcp(address, 8080), Probe.tcp(address, 9090))))
                .map(Outcome::place)
                .containsExactly("proxy:15006", "app:9090");

        takeDown(sandbox);
    }

    @Test
    void thePodOfNoMeshIsLeftAlone() {
        agent.know(PodManifest.plain("shop", "batch-0", "uid-batch-0"));
        String sandbox = containerd.cri().run(containerd.sandbox("shop", "batch-0", "uid-batch-0", Map.of()));
        Netns netns = listenIn(sandbox);

        assertThat(new ProbeSender(netns, arrivals)
                        .send(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))
                        .place())
                .isEqualTo("node:443");
        assertThat(netns.run("iptables-save")).doesNotContain("ISTIO");

        takeDown(sandbox);
    }

    @Test
    void anAgentKilledDuringAddsCostsOnlyARetry() throws Exception {
        List<String> names = List.of("a", "b", "c", "d");
        try (ExecutorService kubelet = Executors.newFixedThreadPool(names.size())) {
            List<Future<String>> started = new ArrayList<>();
            for (String name : names) {
                Callable<String> run = () -> containerd.cri().run(sandbox(name));
                started.add(kubelet.submit(run));
            }
            // The agent knows none of these pods yet, so each ADD waits in it, and is there when it dies.
            Eventually.isTrue("all ADDs wait in the agent", () -> agent.connections() == names.size());
            agent.kill();
            for (Future<String> start : started) {
                assertThatThrownBy(start::get)
                        .hasCauseInstanceOf(StatusRuntimeException.class)
                        .hasMessageContaining("the mesh-cni agent does not answer");
            }
        }
        assertThat(containerd.cri().sandboxes()).isEmpty();
        assertThat(containerd.leftovers()).isEmpty();

        names.forEach(name -> agent.know(PodManifest.injected("shop", name, "uid-" + name)));
        agent.startAgain();

        for (String name : names) {
            String sandbox = containerd.cri().run(sandbox(name));
            Netns netns = listenIn(sandbox);
            assertThat(new ProbeSender(netns, arrivals)
                            .send(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))
                            .place())
                    .isEqualTo("proxy:15001");
            takeDown(sandbox);
        }
    }

    @Test
    void aPodIsDeletedAlthoughTheAgentIsGone() {
        agent.know(PodManifest.injected("shop", "cart-1", "uid-cart-1"));
        String sandbox = containerd.cri().run(containerd.sandbox("shop", "cart-1", "uid-cart-1", Map.of()));
        containerd.netns(sandbox);

        agent.kill();

        containerd.cri().stop(sandbox);
        containerd.cri().remove(sandbox);
        assertThat(containerd.leftovers()).isEmpty();
    }

    private static CriClient.Sandbox sandbox(String name) {
        return containerd.sandbox("shop", name, "uid-" + name, Map.of());
    }

    /** Listens as proxy and as application in a sandbox, and as the rest of the world on the node. */
    private Netns listenIn(String sandbox) {
        Netns netns = Netns.existing(containerd.netns(sandbox));
        servers.forEach(ProbeServer::close);
        servers.clear();
        servers.add(ProbeServer.start("proxy", arrivals, netns, Owner.PROXY, List.of(15001, 15006)));
        servers.add(ProbeServer.start("app", arrivals, netns, Owner.APPLICATION, List.of(8080, 9090)));
        servers.add(ProbeServer.start("node", arrivals, containerd.node(), Owner.ROOT, List.of(443)));
        return netns;
    }

    /** Stops and removes as the kubelet does, which repeats both: the plugin gets several DELs, the later ones bare. */
    private void takeDown(String sandbox) {
        servers.forEach(ProbeServer::close);
        servers.clear();
        containerd.cri().stop(sandbox);
        containerd.cri().stop(sandbox);
        containerd.cri().remove(sandbox);
        containerd.cri().remove(sandbox);
        assertThat(containerd.leftovers()).isEmpty();
    }
}
