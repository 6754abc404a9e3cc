// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.NeedsRoot;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pods that are larger, or more, than an agent has memory for, with the heap that it ships with: it starts, serves
 * others in time, and refuses what it has not read.
 */
@Tag("hostile")
@Timeout(300)
@NeedsRoot("makes network namespaces")
class HostilePodsTest {
    private static final int JOBS = 600;
    private static final int LENGTH_OF_A_JOB = 50_000;
    private static final int GREEDY = 60;
    private static final int LENGTH_OF_A_VALUE = 1 << 20;
    private static final int WHOLE = 300;
    private static final int LENGTH_THAT_IS_READ = 60_000;
    private static final String VARIABLE = "ISTIO_OUTBOUND_OWNER_GROUPS";
    private static final Duration SMALL = Duration.ofSeconds(1);

    private final List<Netns> pods = new ArrayList<>();

    @TempDir
    private Path directory;

    private Netns node;
    private FakeApiServer api;
    private DaemonProcess daemon;

    @BeforeEach
    void start() throws IOException {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables");
        Dist.needed();
        node = Netns.create("node");
        api = new FakeApiServer(node.inside(() -> new ServerSocket(0, 50, InetAddress.getLoopbackAddress())));
        daemon = new DaemonProcess(
                directory.resolve("log"), Files.createDirectory(directory.resolve("run")), Process::toHandle);
    }

    @AfterEach
    void stop() throws IOException {
        try (Netns _ = node) {
            if (daemon != null) {
                daemon.close();
            }
            if (api != null) {
                api.close();
            }
        } finally {
            pods.forEach(Netns::close);
        }
    }

    @Test
    void anAgentStartsHoweverMuchThePodsOfItsNodeSay() throws IOException {
        for (int i = 0; i < JOBS; i++) {
            Pod job = pod("batch", "job-" + i).toBuilder()
                    .editSpec()
                    .editFirstContainer()
                    .addNewEnv()
                    .withName("INPUT")
                    .withValue("x".repeat(LENGTH_OF_A_JOB))
                    .endEnv()
                    .endContainer()
                    .endSpec()
                    .withNewStatus()
                    .withPhase("Succeeded")
                    .endStatus()
                    .build();
            api.create(job);
        }
        for (int i = 0; i < GREEDY; i++) {
            api.create(proxied(pod("greedy", "pod-" + i), LENGTH_OF_A_VALUE));
        }
        for (int i = 0; i < WHOLE; i++) {
            api.create(proxied(pod("full", "pod-" + i), LENGTH_THAT_IS_READ));
        }
        Pod early = api.create(proxied(pod("shop", "early"), 0));
        startDaemon();
        Pod late = api.create(proxied(pod("shop", "late"), 0));

        for (Pod pod : List.of(early, late)) {
            Netns netns = netns();
            assertThat(timed(() -> add(pod, netns))).isLessThan(SMALL);
            assertThat(netns.run("iptables-save", "-t", "nat")).contains("ISTIO_REDIRECT");
        }
        assertThat(api.calls())
                .as("asked for by name")
                .noneMatch(call -> call.path().contains("/pods/"));
        Pod greedy = api.pod("greedy", "pod-7").orElseThrow();
        Netns untouched = netns();
        Command.Result refused = add(greedy, untouched);
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.out())
                .contains("variable " + VARIABLE + " of istio-proxy has a size of 1048576")
                .hasSizeLessThan(2000);
        assertThat(untouched.run("iptables-save", "-t", "nat")).doesNotContain("ISTIO");
        assertThat(daemon.logged()).doesNotContain("OutOfMemory");
    }

    private void startDaemon() throws IOException {
        daemon.start(node.commandLine(
                Dist.program("install-cni").toString(),
                "--no-install",
                "--kubeconfig=" + api.kubeconfig(directory),
                "--node-name=" + FakeApiServer.NODE,
                "--cni-agent-run-dir=" + directory.resolve("run"),
                "--health-port=8000"));
        Eventually.isTrue(
                "the pods are known",
                () -> node.command("busybox", "wget", "-q", "-O", "-", "-Y", "off", "http://127.0.0.1:8000/readyz")
                                .result()
                                .exitCode()
                        == 0);
    }

    private Command.Result add(Pod pod, Netns netns) {
        String namespace = pod.getMetadata().getNamespace();
        String name = pod.getMetadata().getName();
        PluginCall call = PluginCall.of("ADD", netns, namespace, name, """
                {"type": "istio-cni", "cni_agent_run_dir": "%s"}""".formatted(directory.resolve("run")));
        return PluginProcess.run(
                call.alone()
                        .with("CNI_CONTAINERID", namespace + name)
                        .with(
                                "CNI_ARGS",
                                call.environment().get("CNI_ARGS") + ";K8S_POD_UID="
                                        + pod.getMetadata().getUid()),
                node);
    }

    private Netns netns() {
        Netns pod = Netns.create("pod");
        pods.add(pod);
        return pod;
    }

    private static Pod pod(String namespace, String name) {
        return new PodBuilder()
                .withNewMetadata()
                .withNamespace(namespace)
                .withName(name)
                .addToAnnotations("sidecar.istio.io/status", "{}")
                .endMetadata()
                .withNewSpec()
                .withNodeName(FakeApiServer.NODE)
                .addNewContainer()
                .withName("app")
                .endContainer()
                .endSpec()
                .build();
    }

    /** The pod with a sidecar and a variable of that of so many characters. */
    private static Pod proxied(Pod pod, int length) {
        return pod.toBuilder()
                .editSpec()
                .addNewContainer()
                .withName("istio-proxy")
                .withArgs("proxy", "sidecar")
                .withEnv(length == 0 ? List.of() : List.of(new EnvVar(VARIABLE, "R".repeat(length), null)))
                .endContainer()
                .endSpec()
                .build();
    }

    private static Duration timed(Supplier<Command.Result> work) {
        long start = System.nanoTime();
        Command.Result result = work.get();
        assertThat(result.exitCode()).as(result.out()).isZero();
        return Duration.ofNanos(System.nanoTime() - start);
    }
}
