// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.AttachmentStore;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.kubernetes.ManifestPodSource;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.plugin.JvmHost;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Whatever the plugin is called with, by a runtime or by an attacker: one answer, and nothing else happens. */
@NeedsRoot("makes network namespaces")
class FrontDoorTest {
    private static final Duration BUDGET = Duration.ofSeconds(30);
    private static final List<String> PODS = List.of("injected", "plain", "wrong", "unknown");

    private static final List<String> VERSIONS = List.of("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0");

    private static PodNetns world;
    private static Netns bystander;
    private static Path manifests;
    private static PluginHandler handler;
    private static Map<String, String> machineBefore;
    private static Map<String, String> bystanderBefore;

    @BeforeContainer
    static void start() throws IOException {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables", "nft");
        world = PodNetns.create();
        bystander = Netns.create("bystand");
        manifests = Files.createTempDirectory("it-pods-");
        for (PodManifest pod : List.of(
                PodManifest.injected("shop", "injected", "u1"),
                PodManifest.plain("shop", "plain", "u2"),
                PodManifest.injected("shop", "wrong", "u3")
                        .annotated("traffic.sidecar.istio.io/includeInboundPorts", "8080,-A"))) {
            Files.writeString(manifests.resolve(pod.name() + ".json"), pod.json());
        }
        List<RedirectBackend> backends = List.of(new IptablesBackend(), new NftBackend());
        backends.forEach(RedirectBackend::detect);
        handler = new PluginHandler(
                new ManifestPodSource(manifests),
                Optional::empty,
                Backends.of(backends),
                new PrevResultCheck(ChainAdapters.installed()),
                Duration.ZERO,
                AttachmentStore.NONE);
        machineBefore = NetworkState.ofTheMachine();
        bystanderBefore = NetworkState.of(bystander);
    }

    @AfterContainer
    static void nothingOutsideThePodHasChanged() {
        if (world == null) {
            return;
        }
        try (PodNetns pod = world;
                Netns other = bystander) {
            assertThat(NetworkState.ofTheMachine()).isEqualTo(machineBefore);
            assertThat(NetworkState.of(other)).isEqualTo(bystanderBefore);
            assertThat(pod.pod().path()).exists();
        } finally {
            HostState.removeTree(manifests);
        }
    }

    @Property(tries = 7_000, shrinking = ShrinkingMode.OFF)
    void theAgentGivesOneWellFormedAnswerToAnyCall(@ForAll long seed) {
        PluginCall call = spoilt(seed);
        check(call, handler.handle(call.request(), BUDGET).reply());
    }

    @Property(tries = 3_000, shrinking = ShrinkingMode.OFF)
    void withoutAgentThePluginGivesOneWellFormedAnswerToAnyCall(@ForAll long seed) {
        PluginCall call = spoilt(seed);
        JvmHost host = new JvmHost(call.environment(), call.input());
        int exitCode = host.run();
        check(call, new AgentProtocol.Reply(exitCode, host.output()));
    }

    private static PluginCall spoilt(long seed) {
        CallMutator mutator = new CallMutator(seed);
        Random random = new Random(seed);
        String conf = """
                {"type": "istio-cni", "native_nftables": %b, "exclude_namespaces": ["kube-system"]}""".formatted(random.nextInt(3) == 0);
        String namespace = random.nextInt(3) == 0 ? "kube-system" : "shop";
        String version = VERSIONS.get(random.nextInt(VERSIONS.size()));
        PluginCall call = PluginCall.of(
                        mutator.command(), world.pod(), namespace, PODS.get(random.nextInt(PODS.size())), conf)
                .configured(config -> config.put("cniVersion", version));
        return mutator.spoil(call);
    }

    private static void check(PluginCall call, AgentProtocol.Reply reply) {
        try {
            CniOutput.check(call.command(), reply.exitCode(), reply.stdout());
        } catch (AssertionError e) {
            throw new AssertionError("called with " + call, e);
        }
    }
}
