// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Who asks the agent for more than there is, with the heap that it ships with, gets less; the start of another pod does
 * not wait for that, and afterwards all is as before. The agent that answers at the end is the one that was started:
 * nobody here starts another.
 */
@Tag("hostile")
@Timeout(240)
@NeedsRoot("makes network namespaces")
class HostileBudgetsTest {
    private static final int HEALTH = 8000;
    private static final int MONITORING = 15014;
    private static final int PEERS = 50;
    private static final int CONNECTIONS_OF_A_PEER = 30;
    private static final Duration SECOND = Duration.ofSeconds(1);
    /** What the ADD of a pod that asks for little may take beside whatever else is going on. */
    private static final Duration SMALL = Duration.ofSeconds(1);

    private final List<Netns> pods = new ArrayList<>();
    private Netns node;
    private Agent agent;

    @BeforeEach
    void start() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables");
        Dist.needed();
        node = Netns.create("node");
        agent = Agent.start(node, "--pod-wait-seconds=1", "--health-port=" + HEALTH, "--monitoring-port=" + MONITORING);
        agent.know(PodManifest.injected("shop", "web", ""));
        // The ports are opened after the socket.
        Eventually.isTrue("the ports are open", () -> isOpen(HEALTH) && isOpen(MONITORING));
    }

    @AfterEach
    void stop() {
        try (Netns _ = node) {
            if (agent != null) {
                agent.close();
            }
        } finally {
            pods.forEach(Netns::close);
        }
    }

    @Test
    void unfinishedRequestsCostThosePeersAndNobodyElse() throws IOException {
        Netns web = pod();
        List<Socket> unfinished = new ArrayList<>();
        try {
            for (int port : List.of(HEALTH, MONITORING)) {
                node.inside(() -> flood(port, unfinished));
                assertThat(timed(() -> assertThat(get(HEALTH, "/healthz")).startsWith("HTTP/1.1 200 ")))
                        .isLessThan(SECOND);
            }
            assertThat(unfinished).hasSize(2 * PEERS * CONNECTIONS_OF_A_PEER);

            assertThat(timed(() -> PluginProcess.succeed(call("ADD", web, "web"), node)))
                    .isLessThan(SMALL);

            assertThat(get(MONITORING, "/metrics"))
                    .startsWith("HTTP/1.1 200 ")
                    .contains("meshcni_http_refused_total{port=\"health\",reason=\"full\"}")
                    .contains("meshcni_http_refused_total{port=\"monitoring\",reason=\"full\"}");
        } finally {
            for (Socket socket : unfinished) {
                socket.close();
            }
        }
        assertThat(get(HEALTH, "/readyz")).startsWith("HTTP/1.1 200 ");
        PluginProcess.succeed(call("DEL", web, "web"), node);
    }

    @Test
    void thePortsSayNothingAboutASinglePod() {
        Netns web = pod();
        PluginProcess.succeed(call("ADD", web, "web"), node);

        for (String page : List.of(get(MONITORING, "/metrics"), get(HEALTH, "/status"), get(HEALTH, "/readyz"))) {
            assertThat(page)
                    .startsWith("HTTP/1.1 200 ")
                    .doesNotContain("shop", web.path().toString());
        }
        PluginProcess.succeed(call("DEL", web, "web"), node);
    }

    @Test
    void podsThatAskForManyRulesWaitForEachOtherAndNotThoseThatAskForFew() throws Exception {
        Netns web = pod();
        String many = ports(1900);
        agent.know(PodManifest.injected("greedy", "pod", "")
                .annotated("traffic.sidecar.istio.io/excludeOutboundPorts", many));
        try (ExecutorService runtime = Executors.newFixedThreadPool(12)) {
            List<Future<Command.Result>> greedy = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                PluginCall add = PluginCall.of("ADD", pod(), "greedy", "pod", agent.pluginConf())
                        .alone()
                        .with("CNI_CONTAINERID", "greedy" + i);
                greedy.add(runtime.submit(() -> PluginProcess.run(add, node)));
            }
            Eventually.isTrue("they are under way", () -> agent.connections() >= 4);

            Duration small = timed(() -> PluginProcess.succeed(call("ADD", web, "web"), node));

            assertThat(greedy)
                    .as("still under way, so that there was something to pass")
                    .anyMatch(add -> !add.isDone());
            assertThat(small).isLessThan(SMALL);
            for (Future<Command.Result> add : greedy) {
                assertThat(add.get().exitCode()).as(add.get().out()).isZero();
            }
        }
    }

    @Test
    void aPodThatAsksForMoreRulesThanThereAreIsToldSoAndByWhich() {
        Netns pod = pod();
        agent.know(PodManifest.injected("greedy", "pod", "")
                .annotated("traffic.sidecar.istio.io/excludeOutboundPorts", ports(4000))
                .annotated("traffic.sidecar.istio.io/includeInboundPorts", ports(4000)));

        Command.Result add = PluginProcess.run(
                PluginCall.of("ADD", pod, "greedy", "pod", agent.pluginConf()).alone(), node);

        assertThat(add.exitCode()).isEqualTo(1);
        assertThat(add.out())
                .contains("more than 4096 rules")
                .contains("annotation traffic.sidecar.istio.io/excludeOutboundPorts (4000 entries)");
        assertThat(pod.run("iptables-save", "-t", "nat")).doesNotContain("ISTIO");
    }

    private Netns pod() {
        Netns pod = Netns.create("pod");
        pods.add(pod);
        return pod;
    }

    /** Opens the connections of many peers, each with a kilobyte of a request that does not end. */
    private static List<Socket> flood(int port, List<Socket> unfinished) throws IOException {
        String request = "GET /healthz HTTP/1.1\r\nX: " + "x".repeat(1000);
        for (int peer = 0; peer < PEERS; peer++) {
            for (int i = 0; i < CONNECTIONS_OF_A_PEER; i++) {
                Socket socket = new Socket();
                unfinished.add(socket);
                socket.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.1." + (peer + 1)), 0));
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5000);
                socket.getOutputStream().write(request.getBytes(US_ASCII));
            }
        }
        return unfinished;
    }

    private boolean isOpen(int port) {
        return node.inside(() -> {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5000);
                return true;
            } catch (IOException e) {
                return false;
            }
        });
    }

    private String get(int port, String path) {
        return node.inside(() -> {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5000);
                socket.setSoTimeout(5000);
                socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: node\r\n\r\n").getBytes(US_ASCII));
                return new String(socket.getInputStream().readAllBytes(), US_ASCII);
            }
        });
    }

    private PluginCall call(String command, Netns pod, String container) {
        return PluginCall.of(command, pod, "shop", "web", agent.pluginConf())
                .alone()
                .with("CNI_CONTAINERID", container);
    }

    private static String ports(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> String.valueOf(1000 + 2 * i))
                .collect(Collectors.joining(","));
    }

    private static Duration timed(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return Duration.ofNanos(System.nanoTime() - start);
    }
}
