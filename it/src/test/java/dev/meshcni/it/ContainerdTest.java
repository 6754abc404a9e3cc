// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The fixture alone: a sandbox on the reference plugin ptp, without any part of this product. */
@NeedsRoot("makes network namespaces")
class ContainerdTest {
    @BeforeAll
    static void needs() {
        Containerd.needed();
    }

    @Test
    void aSandboxComesUpOnPtpAndLeavesNothingBehind() {
        try (Containerd containerd = Containerd.start()) {
            containerd.configure("10-ptp.conflist", BaseChain.ptp(containerd.ipamDirectory()));
            CriClient.Sandbox pod =
                    containerd.sandbox("shop", "cart-0", "d0a5d1c6-0000-0000-0000-000000000001", Map.of());

            String sandbox = containerd.cri().run(pod);
            CriClient.SandboxStatus status = containerd.cri().status(sandbox);
            String container =
                    containerd.cri().start(sandbox, pod, Containerd.APP_IMAGE, 1000, List.of("/bin/sleep", "1000"));

            assertThat(status.ready()).isTrue();
            assertThat(containerd.netns(sandbox)).exists();
            assertThat(containerd.node().links()).hasSize(2);
            assertThat(containerd.cri().exec(container, "/bin/sh", "-c", "id -u; ip -4 addr show eth0"))
                    .satisfies(result ->
                            assertThat(result.out()).startsWith("1000").contains(status.address()))
                    .satisfies(result -> assertThat(result.exitCode()).isZero());

            containerd.cri().stop(sandbox);
            containerd.cri().remove(sandbox);
            assertThat(containerd.leftovers()).isEmpty();
        }
    }

    @Test
    void closingItEndsWhatATestLeftRunning() {
        Path netns;
        List<ProcessHandle> processes;
        Containerd containerd = Containerd.start();
        try (containerd) {
            containerd.configure("10-ptp.conflist", BaseChain.ptp(containerd.ipamDirectory()));
            netns = containerd.netns(containerd.cri().run(containerd.sandbox("shop", "cart-1", "cart-1", Map.of())));
            processes = HostState.processesIn(containerd.cgroupParent());
        }

        assertThat(netns).doesNotExist();
        assertThat(processes).isNotEmpty().noneMatch(ProcessHandle::isAlive);
        assertThat(containerd.confDirectory().getParent()).doesNotExist();
        assertThat(containerd.node().path()).doesNotExist();
    }
}
