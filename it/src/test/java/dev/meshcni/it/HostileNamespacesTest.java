// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.testkit.HungFileSystem;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is done for one attachment is done in its namespace and in no other, whatever paths and runtimes do. */
@Tag("hostile")
@Timeout(240)
@NeedsRoot("makes network namespaces")
class HostileNamespacesTest {
    private Netns node;
    private Netns pod;
    private Netns other;
    private Agent agent;

    @BeforeEach
    void start() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables");
        Dist.needed();
        node = Netns.create("node");
        pod = Netns.create("pod");
        other = Netns.create("other");
        agent = Agent.start(node, "--pod-wait-seconds", "1", "--call-timeout-seconds", "4");
        agent.know(PodManifest.injected("shop", "web", ""));
    }

    @AfterEach
    void stop() {
        try (Netns _ = node;
                Netns _ = pod;
                Netns _ = other) {
            if (agent != null) {
                agent.close();
            }
        }
    }

    @Test
    void delOfASecondAttachmentLeavesTheRulesToTheFirstAlsoAfterARestart() {
        run(call("ADD", "pod-network", "eth0", "c1"));
        run(call("ADD", "istio-cni", "net1", "c1"));
        assertThat(rules(pod)).isEqualTo(20);

        agent.kill();
        agent.startAgain();
        run(call("DEL", "istio-cni", "net1", "c1"));

        assertThat(rules(pod)).isEqualTo(20);
        run(call("CHECK", "pod-network", "eth0", "c1"));
        run(call("DEL", "pod-network", "eth0", "c1"));
        assertThat(rules(pod)).isZero();
    }

    @Test
    void aLateDelOfAnOlderSandboxLeavesTheNewOneAlone() {
        run(call("ADD", "pod-network", "eth0", "c1"));
        run(call("ADD", "pod-network", "eth0", "c2"));

        run(call("DEL", "pod-network", "eth0", "c1"));

        assertThat(rules(pod)).isEqualTo(20);
        run(call("CHECK", "pod-network", "eth0", "c2"));
    }

    @Test
    void aPathThatBelongsToAnotherPodByNowIsNotTouchedByDel() {
        Path path = agent.runDirectory().resolveSibling("netns");
        turn(path, pod.path());
        run(call("ADD", "pod-network", "eth0", "c1").with("CNI_NETNS", path.toString()));
        run(call("ADD", "pod-network", "eth0", "c2")
                .with("CNI_NETNS", other.path().toString()));
        turn(path, other.path());

        run(call("DEL", "pod-network", "eth0", "c1").with("CNI_NETNS", path.toString()));

        assertThat(rules(other)).isEqualTo(20);
    }

    @Test
    void aPathThatKeepsTurningNeverLeadsRulesIntoTheNodesNamespaceNorLeavesAPodWithoutThemAndAnAddThatIsOk()
            throws Exception {
        Path path = agent.runDirectory().resolveSibling("netns");
        turn(path, pod.path());
        List<Path> ways = List.of(pod.path(), node.path(), other.path());
        AtomicBoolean done = new AtomicBoolean();
        Thread turning = Thread.ofPlatform().start(() -> {
            for (int i = 0; !done.get(); i++) {
                turn(path, ways.get(i % ways.size()));
            }
        });
        int redirected = 0;
        try {
            for (int i = 0; i < 40; i++) {
                PluginCall add = call("ADD", "pod-network", "eth0", "c" + i).with("CNI_NETNS", path.toString());
                boolean ok = PluginProcess.run(add, node).exitCode() == 0;
                long there = rules(pod) + rules(other);
                assertThat(there).as("call %d, ok: %s", i, ok).isEqualTo(ok ? 20 : 0);
                redirected += ok ? 1 : 0;
                for (Netns netns : List.of(pod, other)) {
                    netns.command("iptables", "-t", "nat", "-F").run();
                    netns.command("iptables", "-t", "nat", "-X").run();
                }
            }
        } finally {
            done.set(true);
            turning.join();
        }
        assertThat(redirected).isPositive();
        assertThat(rules(node)).isZero();
    }

    /** With one processor there is one thread that carries virtual ones: what blocks it blocks them all. */
    @ParameterizedTest
    @ValueSource(strings = {"0-1023", "0"})
    void pathsThatHangCostNobodyElseHisStart(String processors) throws Exception {
        assumeTrue(HungFileSystem.isPossible(), "needs /dev/fuse: a file system that hangs is mounted");
        agent.close();
        agent = Agent.start(
                line -> Stream.concat(node.commandLine("taskset", "--cpu-list", processors).stream(), Stream.of(line))
                        .toList(),
                List.of("--no-install", "--pod-wait-seconds=1", "--call-timeout-seconds=4"));
        agent.know(PodManifest.injected("shop", "web", ""));
        try (HungFileSystem hung = HungFileSystem.mount();
                ExecutorService runtime = Executors.newFixedThreadPool(8)) {
            List<Future<Command.Result>> hanging = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                PluginCall add = call("ADD", "pod-network", "eth0", "h" + i)
                        .with("CNI_NETNS", hung.file("netns" + i).toString());
                hanging.add(runtime.submit(() -> PluginProcess.run(add, node)));
            }
            Eventually.isTrue("they are under way", () -> agent.connections() >= 8);

            long start = System.nanoTime();
            run(call("ADD", "pod-network", "eth0", "c1"));
            Duration taken = Duration.ofNanos(System.nanoTime() - start);

            assertThat(taken).isLessThan(Duration.ofSeconds(3));
            for (Future<Command.Result> add : hanging) {
                assertThat(add.get().out()).contains("did not finish before the deadline of the call");
            }
            PluginCall again = call("ADD", "pod-network", "eth0", "h0")
                    .with("CNI_NETNS", hung.file("netns0").toString());
            assertThat(PluginProcess.run(again, node).out()).contains("is still blocked");
            run(call("DEL", "pod-network", "eth0", "h0")
                    .with("CNI_NETNS", hung.file("netns0").toString()));
        }
    }

    private PluginCall call(String command, String network, String ifName, String container) {
        return PluginCall.of(command, pod, "shop", "web", agent.pluginConf())
                .alone()
                .configured(conf -> conf.put("name", network))
                .with("CNI_IFNAME", ifName)
                .with("CNI_CONTAINERID", container);
    }

    private void run(PluginCall call) {
        PluginProcess.succeed(call, node);
    }

    private static long rules(Netns netns) {
        return netns.command("iptables-save", "-t", "nat")
                .run()
                .lines()
                .filter(line -> line.startsWith("-A"))
                .count();
    }

    private static void turn(Path path, Path target) {
        try {
            Path fresh = path.resolveSibling("." + path.getFileName());
            Files.deleteIfExists(fresh);
            Files.createSymbolicLink(fresh, target);
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
