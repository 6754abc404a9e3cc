// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.NodePodReader;
import dev.meshcni.kubernetes.PodIdentities;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Looks into, and mends, a real namespace: that of a process which stands for a pod. */
@Timeout(120)
@NeedsRoot("makes network namespaces")
class PodInspectorTest {
    private static final String UID = "3f0cd94d-3c5b-4c9a-a1f1-0b6f7f7f0d11";
    private static final NodePod POD = new NodePodReader(_ -> true, "").read(withUid(TestPods.injected("web")));

    @TempDir
    private Path proc;

    private Process sandbox;

    @BeforeEach
    void startSandbox() throws Exception {
        sandbox = new ProcessBuilder("unshare", "--net", "sleep", "300").start();
        Path host = Path.of("/proc/self/ns/net");
        Path real = Path.of("/proc", String.valueOf(sandbox.pid()));
        eventually(
                "the process is in its namespace",
                () -> !Files.readSymbolicLink(real.resolve("ns/net")).equals(Files.readSymbolicLink(host)));
        show("1", host, "0::/init.scope", Path.of("/proc/self/stat"));
        show(
                String.valueOf(sandbox.pid()),
                real.resolve("ns/net"),
                "0::/kubepods/burstable/pod" + UID + "/4f5e",
                real.resolve("stat"));
    }

    @AfterEach
    void stopSandbox() throws InterruptedException {
        if (sandbox != null) {
            sandbox.destroyForcibly().waitFor();
        }
    }

    static Stream<RedirectBackend> backends() {
        return Stream.of(new IptablesBackend(), new NftBackend());
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aPodThatWasMissedIsSeenToBeSoAndMended(RedirectBackend backend) {
        PodInspector inspector = inspector(backend);

        PodInspection before = look(inspector);
        assertThat(before)
                .isInstanceOfSatisfying(
                        PodInspection.Absent.class, absent -> inspector.mend(absent.namespace(), absent.plan()));

        assertThat(look(inspector)).isEqualTo(new PodInspection.AsPlanned());
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aPodThatHasOtherRulesIsNotTakenForOneThatWasMissed(RedirectBackend backend) {
        PodInspector inspector = inspector(backend);
        assertThat(look(inspector))
                .isInstanceOfSatisfying(
                        PodInspection.Absent.class, absent -> inspector.mend(absent.namespace(), absent.plan()));
        NodePod changed = new NodePodReader(_ -> true, "")
                .read(withUid(TestPods.injected("web"))
                        .edit()
                        .editMetadata()
                        .addToAnnotations("traffic.sidecar.istio.io/excludeInboundPorts", "1234")
                        .endMetadata()
                        .build());

        assertThat(inspector
                        .look(List.of(changed), new PodIdentities(List.of(changed)))
                        .get(changed))
                .isInstanceOfSatisfying(
                        PodInspection.Changed.class,
                        found -> assertThat(found.differences().toString()).contains("1234"));
    }

    /** The proxy's address on the loopback interface stays, as those who flush rules do not think of it. */
    @ParameterizedTest
    @MethodSource("backends")
    void aPodWhoseRulesWereFlushedIsOneWithoutRedirection(RedirectBackend backend) throws Exception {
        inSandbox("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "peer");
        inSandbox("ip", "link", "set", "eth0", "up");
        inSandbox("ip", "address", "add", "10.9.8.7/24", "dev", "eth0");
        inSandbox("ip", "address", "add", "fd00:9::7/64", "dev", "eth0", "nodad");
        PodInspector inspector = inspector(backend);
        assertThat(look(inspector))
                .isInstanceOfSatisfying(
                        PodInspection.Absent.class, absent -> inspector.mend(absent.namespace(), absent.plan()));
        assertThat(look(inspector)).isEqualTo(new PodInspection.AsPlanned());

        inSandbox("nft", "flush", "ruleset");

        assertThat(look(inspector))
                .isInstanceOfSatisfying(
                        PodInspection.Absent.class, absent -> inspector.mend(absent.namespace(), absent.plan()));
        assertThat(look(inspector)).isEqualTo(new PodInspection.AsPlanned());
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aPodThatEndsBeforeItIsMendedIsAFailure(RedirectBackend backend) {
        PodInspector inspector = inspector(backend);

        assertThat(look(inspector)).isInstanceOfSatisfying(PodInspection.Absent.class, absent -> {
            sandbox.destroyForcibly().onExit().join();
            assertThatThrownBy(() -> inspector.mend(absent.namespace(), absent.plan()))
                    .isInstanceOf(RedirectException.class);
        });
    }

    private PodInspector inspector(RedirectBackend backend) {
        backend.detect();
        return new PodInspector(Set.of(), backend, new ProcPodNetnsFinder(proc), _ -> Set.of());
    }

    private static PodInspection look(PodInspector inspector) {
        return inspector.look(List.of(POD), new PodIdentities(List.of(POD))).get(POD);
    }

    private void inSandbox(String... command) throws Exception {
        List<String> inside = new ArrayList<>(List.of("nsenter", "--net", "--target", String.valueOf(sandbox.pid())));
        inside.addAll(List.of(command));
        assertThat(new ProcessBuilder(inside).inheritIO().start().waitFor()).isZero();
    }

    /** Shows a real process as the kubelet would have it: in the control group of a pod. */
    private void show(String pid, Path netns, String cgroup, Path stat) throws IOException {
        Path directory =
                Files.createDirectories(proc.resolve(pid).resolve("ns")).getParent();
        Files.createSymbolicLink(directory.resolve("ns/net"), Files.readSymbolicLink(netns));
        Files.writeString(directory.resolve("cgroup"), cgroup + "\n");
        Files.writeString(directory.resolve("stat"), Files.readString(stat));
    }

    private static Pod withUid(Pod pod) {
        return pod.edit().editMetadata().withUid(UID).endMetadata().build();
    }
}
