// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniJson;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * From the base CNI's file to a redirected pod and back, with nothing put in place but by the installer: containerd
 * loads what it wrote and calls the plugin that it copied.
 */
@NeedsRoot("makes network namespaces")
class InstalledChainTest {
    private static final String CONF = "10-ptp.conflist";
    private static final String ANYWHERE = "10.1.2.3";
    private static final Duration COPYING = Duration.ofMinutes(2);

    private static Containerd containerd;

    private final Arrivals arrivals = new Arrivals();
    private String original;
    private Agent daemon;

    @BeforeAll
    static void startRuntime() {
        Containerd.needed();
        Dist.needed();
        containerd = Containerd.start();
        containerd.node().claimAllAddresses();
    }

    @AfterAll
    static void stopRuntime() {
        if (containerd != null) {
            containerd.close();
        }
    }

    @BeforeEach
    void install() {
        original = BaseChain.ptp(containerd.ipamDirectory());
        daemon = Agent.installing(
                containerd.node()::commandLine,
                containerd.confDirectory(),
                containerd.pluginDirectory(),
                "--pod-namespace",
                "istio-system");
        // As on a new node, where the base CNI comes when it comes.
        Eventually.isTrue("the daemon waits", () -> daemon.logged().contains("waiting for the base CNI"));
        containerd.configure(CONF, original);
        Eventually.isTrue(
                "the runtime has loaded what the daemon installed",
                () -> containerd.loaded("it").equals(List.of("ptp", "istio-cni")));
    }

    @AfterEach
    void uninstall() throws IOException {
        daemon.close();
        meshcni("uninstall", "--force");
        // The command has made the run directory again, for its lock.
        HostState.removeTree(daemon.runDirectory().getParent());
        Files.deleteIfExists(conf());
    }

    @Test
    void aPodIsRedirectedByThePluginThatWasInstalledAndIsDeletedWithoutATrace() throws IOException {
        daemon.know(PodManifest.injected("shop", "cart-0", "uid-cart-0"));
        assertThat(CniJson.lenientObject(Files.readString(conf()))
                        .at("/plugins/1/chain_adapter")
                        .asText())
                .isEqualTo("ptp");
        assertThat(Files.readSymbolicLink(containerd.pluginDirectory().resolve("istio-cni")))
                .isRelative()
                .startsWithRaw(Path.of(".mesh-cni"));

        String sandbox = run("cart-0");

        assertThat(whereTrafficGoes(sandbox)).isEqualTo("proxy:15001");
        assertThat(daemon.logged()).contains("pod=shop/cart-0 outcome=redirected");
        takeDown(sandbox);
    }

    @Test
    void afterTheUninstallationTheFileIsWhatItWasAndPodsStartWithoutUs() {
        daemon.know(PodManifest.injected("shop", "cart-1", "uid-cart-1"));
        String before = run("cart-1");
        takeDown(before);
        daemon.close();
        assertThat(containerd.loaded("it")).as("a daemon that ends leaves it").endsWith("istio-cni");

        Command.Result uninstalled = meshcni("uninstall");

        assertThat(uninstalled.exitCode()).as(uninstalled.err()).isZero();
        assertThat(conf()).hasContent(original);
        assertThat(containerd.pluginDirectory().resolve("istio-cni")).doesNotExist();
        Eventually.isTrue(
                "the runtime has loaded the base CNI's list",
                () -> containerd.loaded("it").equals(List.of("ptp")));
        String sandbox = run("cart-2");
        assertThat(whereTrafficGoes(sandbox)).isEqualTo("node:443");
        takeDown(sandbox);
    }

    private static Path conf() {
        return containerd.confDirectory().resolve(CONF);
    }

    private static String run(String name) {
        return containerd.cri().run(containerd.sandbox("shop", name, "uid-" + name, Map.of()));
    }

    private String whereTrafficGoes(String sandbox) {
        Netns netns = Netns.existing(containerd.netns(sandbox));
        try (ProbeServer _ = ProbeServer.start("proxy", arrivals, netns, Owner.PROXY, List.of(15001, 15006));
                ProbeServer _ = ProbeServer.start("node", arrivals, containerd.node(), Owner.ROOT, List.of(443))) {
            return new ProbeSender(netns, arrivals)
                    .send(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))
                    .place();
        }
    }

    private void takeDown(String sandbox) {
        containerd.cri().stop(sandbox);
        containerd.cri().remove(sandbox);
        assertThat(containerd.leftovers()).isEmpty();
    }

    private Command.Result meshcni(String... command) {
        return Command.of(line(command)).within(COPYING).result();
    }

    private String[] line(String... command) {
        List<String> line = new ArrayList<>(List.of(Dist.program("meshcni").toString()));
        line.addAll(List.of(command));
        line.addAll(List.of(
                "--mounted-cni-net-dir=" + containerd.confDirectory(),
                "--cni-bin-target-dir=" + containerd.pluginDirectory(),
                "--cni-agent-run-dir=" + daemon.runDirectory()));
        return line.toArray(String[]::new);
    }
}
