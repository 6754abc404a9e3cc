// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two daemons on one node, as a DaemonSet with {@code maxSurge} has them during an update. */
@NeedsRoot("makes network namespaces")
class RollingUpdateTest {
    @TempDir
    private Path root;

    private Netns node;
    private Netns pod;
    private Path confDir;
    private Agent older;

    @BeforeEach
    void start() throws IOException {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables");
        Dist.needed();
        confDir = Files.createDirectory(root.resolve("net.d"));
        writeBase();
        node = Netns.create("node");
        pod = Netns.create("pod");
        older = Agent.installing(
                node::commandLine,
                confDir,
                Files.createDirectory(root.resolve("bin")),
                "--install-check-seconds",
                "1",
                "--pod-wait-seconds",
                "1",
                "--log-level",
                "debug");
        Eventually.isTrue("installed", this::isInstalled);
    }

    @AfterEach
    void stop() {
        try (Netns _ = node;
                Netns _ = pod) {
            if (older != null) {
                older.close();
            }
        }
    }

    @Test
    void theNewerDaemonHasTheNodeAndTheOlderOneHasItBackWhenThatDies() throws IOException {
        older.know(PodManifest.plain("shop", "web-0", "uid-web-0"));
        try (Agent newer = older.startSuccessor()) {
            Eventually.isTrue(
                    "the older one knows of the newer one",
                    () -> older.logged().contains("a newer daemon has taken over this node"));
            long asked = questions(newer);
            // The second question comes after the answer to the first one was understood.
            Eventually.isTrue("the older one has found the newer one to answer", () -> questions(newer) >= asked + 2);
            assertThat(add().succeeded()).isTrue();
            assertThat(newer.logged()).contains("pod=shop/web-0");
            assertThat(older.logged()).doesNotContain("pod=shop/web-0");

            newer.kill();

            Eventually.isTrue("a plugin is answered again", () -> add().succeeded());
            assertThat(older.logged()).contains("pod=shop/web-0");
            Eventually.isTrue("the older one says so", () -> older.logged().contains("this agent listens on"));
            writeBase();
            Eventually.isTrue("and the older one installs again", this::isInstalled);
        }
    }

    private Command.Result add() {
        return PluginProcess.run(PluginCall.of("ADD", pod, "shop", "web-0", older.pluginConf()), node);
    }

    private static long questions(Agent agent) {
        return agent.logged()
                .lines()
                .filter(line -> line.contains("command=VERSION"))
                .count();
    }

    private void writeBase() throws IOException {
        Files.writeString(confDir.resolve("10-ptp.conflist"), BaseChain.ptp(root.resolve("ipam")));
    }

    private boolean isInstalled() {
        return ConfDir.read(confDir).primary().stream()
                .flatMap(file -> file.list().plugins().stream())
                .anyMatch(plugin -> plugin.type().equals("istio-cni"));
    }
}
