// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A pod with {@code hostUsers: false}: its network namespace belongs to a user namespace of its own. */
@NeedsRoot("makes network namespaces")
class UserNamespaceTest {
    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy", "nftables"})
    void itIsRedirectedByTheIdsOfItsOwnUsers(String kind) throws Exception {
        Process pod = new ProcessBuilder("unshare", "--user", "--net", "sleep", "60")
                .inheritIO()
                .start();
        try {
            mapIds(pod);
            run(pod, 0, "ip link set lo up; ip addr add 10.99.0.2/32 dev lo");
            Path netns = Path.of("/proc/" + pod.pid() + "/ns/net");
            RedirectBackend backend =
                    kind.equals("nftables") ? new NftBackend() : new IptablesBackend(kind, HostPaths.standard());
            for (RedirectPlan plan : List.of(Plans.tproxy(IpFamily.values()), Plans.redirect(IpFamily.IPV4))) {
                Visit.to(backend, netns).apply(plan);
                assertThat(Visit.to(backend, netns).differences(plan)).isEmpty();
            }

            try (ServerSocket proxy = NetworkNamespace.inside(netns, UserNamespaceTest::proxy)) {
                assertThat(run(pod, 1337, "exec 3<>/dev/tcp/10.99.0.2/80 && echo redirected"))
                        .isEqualTo("redirected");
                assertThat(run(pod, 1000, "exec 3<>/dev/tcp/10.99.0.2/80 || echo refused"))
                        .endsWith("refused");
                assertThat(proxy.isBound()).isTrue();
            }
            Visit.to(backend, netns).remove();
            assertThat(Visit.to(backend, netns).differences(new RedirectPlan(List.of(), List.of(), Optional.empty())))
                    .isEmpty();
        } finally {
            pod.destroyForcibly();
            assertThat(pod.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    /** What a runtime does for such a pod: 65,536 ids of its own, none of which the host uses. */
    private static void mapIds(Process pod) throws IOException, InterruptedException {
        Path namespaces = Path.of("/proc/" + pod.pid() + "/ns");
        for (int tries = 0; tries < 500 && pod.isAlive(); tries++) {
            if (differs(namespaces, "net") && differs(namespaces, "user")) {
                for (String file : List.of("uid_map", "gid_map")) {
                    Files.writeString(Path.of("/proc/" + pod.pid(), file), "0 100000 65536");
                }
                return;
            }
            Thread.sleep(10);
        }
        assumeTrue(pod.isAlive(), "needs user namespaces: unshare --user --net does not work here");
        throw new AssertionError("the pod's namespaces did not come about within five seconds");
    }

    /** Runs a command as a user of the pod. */
    private static String run(Process pod, int uid, String command) {
        String id = String.valueOf(uid);
        return TestNetns.run(
                        "nsenter",
                        "-t",
                        String.valueOf(pod.pid()),
                        "--user",
                        "--net",
                        "-S",
                        id,
                        "-G",
                        id,
                        "bash",
                        "-c",
                        command)
                .strip();
    }

    /** Where redirected inbound connections arrive; the kernel accepts them, nobody answers. */
    private static ServerSocket proxy() {
        try {
            return new ServerSocket(15006);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean differs(Path namespaces, String kind) throws IOException {
        return !Files.readSymbolicLink(namespaces.resolve(kind))
                .equals(Files.readSymbolicLink(Path.of("/proc/self/ns", kind)));
    }
}
