// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.config.DaemonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ProcPodNetnsFinderTest {
    private static final String UID = "3f0cd94d-3c5b-4c9a-a1f1-0b6f7f7f0d11";
    private static final String HOST = "net:[4026531840]";
    private static final String POD = "net:[4026532500]";

    @TempDir
    private Path proc;

    @BeforeEach
    void makeHost() throws IOException {
        process(1, "/init.scope", HOST, 1);
        Files.createDirectory(proc.resolve("sys"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/kubepods/burstable/pod3f0cd94d-3c5b-4c9a-a1f1-0b6f7f7f0d11/4f5e",
                "/kubepods/pod3f0cd94d-3c5b-4c9a-a1f1-0b6f7f7f0d11/4f5e",
                "/kubepods.slice/kubepods-burstable.slice/"
                        + "kubepods-burstable-pod3f0cd94d_3c5b_4c9a_a1f1_0b6f7f7f0d11.slice/cri-containerd-4f5e.scope",
                "/kubepods.slice/kubepods-pod3f0cd94d_3c5b_4c9a_a1f1_0b6f7f7f0d11.slice/crio-4f5e.scope",
                "/../../kubepods-besteffort-pod3f0cd94d_3c5b_4c9a_a1f1_0b6f7f7f0d11.slice/cri-containerd-4f5e.scope",
                "/kubelet.slice/kubelet-kubepods.slice/"
                        + "kubelet-kubepods-pod3f0cd94d_3c5b_4c9a_a1f1_0b6f7f7f0d11.slice/cri-containerd-4f5e.scope"
            })
    void aPodIsFoundByTheNameOfItsControlGroup(String cgroup) throws IOException {
        process(4711, cgroup, POD, 100);

        Map<String, PodNetns> found = new ProcPodNetnsFinder(proc).find(Set.of(UID));

        assertThat(found).isEqualTo(Map.of(UID, new PodNetns(Path.of("/proc/4711/ns/net"), 4711, 100)));
    }

    @Test
    void aStaticPodIsFoundByItsHash() throws IOException {
        process(7, "/kubepods/pod0123456789abcdef0123456789abcdef/4f5e", POD, 100);

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of("0123456789abcdef0123456789abcdef")))
                .hasSize(1);
    }

    @Test
    void theProcessThatStartedFirstCounts() throws IOException {
        process(10, "/kubepods/pod" + UID + "/app", "net:[999]", 300);
        process(20, "/kubepods/pod" + UID + "/pause", POD, 100);
        process(30, "/kubepods/pod" + UID + "/app", "net:[998]", 200);

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID)).get(UID).pid())
                .isEqualTo(20);
    }

    @Test
    void aContainerInsideThePodDoesNotCount() throws IOException {
        process(10, "/kubepods/pod" + UID + "/app/docker/inner", "net:[999]", 50);
        process(20, "/kubepods/pod" + UID + "/pause", POD, 100);

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID)).get(UID).pid())
                .isEqualTo(20);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/kubepods/burstable/pod00000000-0000-0000-0000-000000000000/app/kubepods/pod" + UID + "/inner",
                "/../../pod00000000-0000-0000-0000-000000000000/app/pod" + UID,
                "/kubepods.slice/kubepods-pod00000000_0000_0000_0000_000000000000.slice/cri-containerd-1.scope/"
                        + "kubepods-pod3f0cd94d_3c5b_4c9a_a1f1_0b6f7f7f0d11.slice/inner"
            })
    void aGroupThatAContainerHasNamedAfterAnotherPodIsNotTakenForIt(String cgroup) throws IOException {
        process(10, cgroup, POD, 100);

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/user.slice/user-1000.slice/user@1000.service/kubepods/pod" + UID + "/app",
                "/../../../user.slice/user-1000.slice/user@1000.service/kubepods.slice/pod" + UID + "/app",
                "/system.slice/something.service/pod" + UID + "/app",
                "pod" + UID + "/app"
            })
    void aGroupThatTheKubeletHasNotMadeIsNoPods(String cgroup) throws IOException {
        process(10, cgroup, POD, 100);

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID))).isEmpty();
    }

    @Test
    void aProcessThatIsInTheGroupsOfTwoPodsIsInNone() throws IOException {
        process(10, "/kubepods/pod" + UID + "/app", POD, 100);
        Files.writeString(
                proc.resolve("10/cgroup"),
                "2:cpu:/kubepods/pod" + UID
                        + "/app\n1:name=systemd:/kubepods/pod00000000-0000-0000-0000-000000000000/app\n");

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID))).isEmpty();
    }

    @Test
    void theHierarchiesOfVersionOneLeadToTheSamePod() throws IOException {
        process(10, "/kubepods/pod" + UID + "/app", POD, 100);
        Files.writeString(
                proc.resolve("10/cgroup"),
                "2:cpu:/kubepods/pod" + UID + "/app\n1:name=systemd:/kubepods/pod" + UID + "/app\n0::/\n");

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID))).containsKey(UID);
    }

    @Test
    void theNamespaceOfTheHostIsNeverAPods() throws IOException {
        process(20, "/kubepods/pod" + UID + "/pause", HOST, 100);

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID))).isEmpty();
    }

    @Test
    void otherPodsAreNotGiven() throws IOException {
        process(20, "/kubepods/pod" + UID + "/pause", POD, 100);

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of("00000000-0000-0000-0000-000000000000")))
                .isEmpty();
    }

    @Test
    void aNameOfAProcessThatLooksLikeFieldsDoesNotDeceive() throws IOException {
        process(20, "/kubepods/pod" + UID + "/pause", POD, 100, "a) R 1 1 1 (b");

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID)).get(UID).startTime())
                .isEqualTo(100);
    }

    @Test
    void aProcessThatEndsMeanwhileIsPassedOver() throws IOException {
        process(20, "/kubepods/pod" + UID + "/pause", POD, 100);
        Files.delete(proc.resolve("20/stat"));
        Files.createDirectory(proc.resolve("30"));

        assertThat(new ProcPodNetnsFinder(proc).find(Set.of(UID))).isEmpty();
    }

    @Test
    void withoutTheHostsNamespaceNothingIsSaid() throws IOException {
        Files.delete(proc.resolve("1/ns/net"));

        assertThatThrownBy(() -> new ProcPodNetnsFinder(proc).find(Set.of(UID)))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("hostPID");
    }

    @Test
    void anotherProcessOfTheSameNumberIsNotTheSame() throws IOException {
        process(20, "/kubepods/pod" + UID + "/pause", POD, 100);
        ProcPodNetnsFinder finder = new ProcPodNetnsFinder(proc);
        PodNetns netns = finder.find(Set.of(UID)).get(UID);
        assertThat(finder.isStill(netns)).isTrue();

        Files.writeString(proc.resolve("20/stat"), stat(20, "other", 999));

        assertThat(finder.isStill(netns)).isFalse();
    }

    @Test
    void aRealProcessIsStillTheSameUntilItEnds() throws Exception {
        Process sleep = new ProcessBuilder("sleep", "60").start();
        try {
            Path directory = Path.of("/proc", String.valueOf(sleep.pid()));
            String text = Files.readString(directory.resolve("stat"));
            long startTime =
                    Long.parseLong(text.substring(text.lastIndexOf(')') + 2).split(" ", -1)[19]);
            ProcPodNetnsFinder finder = ProcPodNetnsFinder.ofHost();
            PodNetns netns = new PodNetns(directory.resolve("ns/net"), sleep.pid(), startTime);
            assertThat(finder.isStill(netns)).isTrue();

            sleep.destroyForcibly().waitFor();

            assertThat(finder.isStill(netns)).isFalse();
        } finally {
            sleep.destroyForcibly();
        }
    }

    private void process(long pid, String cgroup, String netns, long startTime) throws IOException {
        process(pid, cgroup, netns, startTime, "pause");
    }

    private void process(long pid, String cgroup, String netns, long startTime, String name) throws IOException {
        Path directory = Files.createDirectories(proc.resolve(String.valueOf(pid)));
        Files.writeString(directory.resolve("cgroup"), "0::" + cgroup + "\n");
        Files.writeString(directory.resolve("stat"), stat(pid, name, startTime));
        Files.createDirectory(directory.resolve("ns"));
        Files.createSymbolicLink(directory.resolve("ns/net"), Path.of(netns));
    }

    private static String stat(long pid, String name, long startTime) {
        return pid + " (" + name + ") S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 " + startTime + " 1 1\n";
    }
}
