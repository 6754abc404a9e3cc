// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.core.AttachmentStore;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.iptables.PlanFormat;
import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.kubernetes.KubernetesSettings;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.TransportProtocol;
import dev.meshcni.testkit.FakeApiServer;
import dev.meshcni.testkit.Slow;
import dev.meshcni.trace.Packet;
import dev.meshcni.trace.PacketExplanation;
import dev.meshcni.trace.PacketTrace;
import dev.meshcni.trace.PodNetwork;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same pods to {@code rules} and {@code explain}, from a file, and to the agent's ADD, from an API server. */
@Slow
class SamePodTest {
    private static final int PODS = 150;
    private static final long SEED = 20260801;
    private static final Duration BUDGET = Duration.ofSeconds(20);
    private static final String ADDRESS = "203.0.113.9";

    @TempDir
    private Path directory;

    @Test
    void explainAndRulesSayWhatAddDoes() throws Exception {
        RandomPods pods = new RandomPods(new Random(SEED));
        Recorder recorder = new Recorder();
        int redirected = 0;
        int refused = 0;
        try (FakeApiServer server = new FakeApiServer();
                KubernetesApi api = KubernetesApi.open(new KubernetesSettings(
                        FakeApiServer.NODE, Optional.of(server.kubeconfig(directory)), Duration.ofSeconds(5)));
                KubernetesPodSource source = KubernetesPodSource.start(api)) {
            PluginHandler agent = new PluginHandler(
                    source,
                    source::notReady,
                    Backends.of(List.of(recorder)),
                    new PrevResultCheck(ChainAdapters.installed()),
                    BUDGET,
                    AttachmentStore.NONE);
            for (int i = 0; i < PODS; i++) {
                Pod pod = server.create(pods.next("pod-" + i));
                recorder.start(addresses(pod));

                Answer answer = agent.handle(add(pod), BUDGET);

                compare(pod, answer, recorder.applied);
                redirected += answer.outcome() == Answer.Outcome.REDIRECTED ? 1 : 0;
                refused += answer.outcome() == Answer.Outcome.FAILED ? 1 : 0;
            }
        }
        assertThat(redirected).as("redirected").isBetween(PODS / 4, PODS);
        assertThat(refused).as("refused").isBetween(PODS / 20, PODS / 2);
    }

    private void compare(Pod pod, Answer answer, Optional<RedirectPlan> applied) throws Exception {
        String file = Files.writeString(directory.resolve("pod.yaml"), Serialization.asYaml(pod))
                .toString();
        Run rules = Run.meshcni("rules", "--pod", file, "--exclude-namespaces=kube-system");
        Run explanation = Run.meshcni(
                "explain", "--pod", file, "--exclude-namespaces=kube-system", "--connect", "tcp:" + ADDRESS + ":80");

        String shown = rules.out() + rules.err();
        switch (answer.outcome()) {
            case REDIRECTED -> {
                RedirectPlan plan = applied.orElseThrow();
                assertThat(rules.out()).as(file(file)).isEqualTo(PlanFormat.iptables.redirected(null, plan));
                assertThat(explanation.out()).as(file(file)).startsWith(expected(pod, plan));
            }
            case SKIPPED -> {
                assertThat(shown).as(file(file)).isEqualTo("# not redirected: " + answer.reason() + "\n");
                assertThat(explanation.out()).as(file(file)).endsWith(" is not redirected: " + answer.reason() + ".\n");
            }
            default -> {
                String reason = answer.reason().replaceFirst("^CNI error \\d+: ", "");
                assertThat(rules.exitCode()).as(file(file)).isEqualTo(1);
                assertThat(rules.err()).as(file(file)).contains(reason);
                assertThat(explanation.exitCode()).as(file(file)).isEqualTo(1);
                assertThat(explanation.err()).as(file(file)).contains(reason);
            }
        }
    }

    /** The path of the packet through the rules that ADD has set up. */
    private static String expected(Pod pod, RedirectPlan plan) {
        PodNetwork network = new PodNetwork(new InterfaceName("eth0"), addresses(pod));
        InetAddress to = InetAddress.ofLiteral(ADDRESS);
        long user = Stream.of(
                        Optional.ofNullable(
                                        pod.getSpec().getContainers().getFirst().getSecurityContext())
                                .map(SecurityContext::getRunAsUser),
                        Optional.ofNullable(pod.getSpec().getSecurityContext()).map(PodSecurityContext::getRunAsUser))
                .flatMap(Optional::stream)
                .findFirst()
                .orElse(1000L);
        Packet packet = Packet.first(TransportProtocol.TCP, network.sourceFor(to), to, 80)
                .sentBy(user, user);
        return PacketExplanation.of(PacketTrace.sent(plan, network, packet)).text();
    }

    private static String file(String name) throws Exception {
        return Files.readString(Path.of(name));
    }

    private static List<InetAddress> addresses(Pod pod) {
        return pod.getStatus().getPodIPs().stream()
                .map(ip -> InetAddress.ofLiteral(ip.getIp()))
                .toList();
    }

    private static AgentProtocol.Request add(Pod pod) {
        Map<String, String> environment = Map.of(
                "CNI_COMMAND", "ADD",
                "CNI_CONTAINERID", "c",
                "CNI_NETNS", "/var/run/netns/c",
                "CNI_IFNAME", "eth0",
                "CNI_PATH", "/opt/cni/bin",
                "CNI_ARGS",
                        "K8S_POD_NAMESPACE=" + pod.getMetadata().getNamespace() + ";K8S_POD_NAME="
                                + pod.getMetadata().getName());
        String conf = """
                {"cniVersion": "1.0.0", "name": "n", "type": "istio-cni", "exclude_namespaces": ["kube-system"],
                 "chain_adapter": "multus"}""";
        return new AgentProtocol.Request(environment, conf.getBytes(UTF_8));
    }

    /** Keeps the plan that is to be applied, and has the addresses of the pod. */
    private static final class Recorder implements RedirectBackend {
        private List<InetAddress> addresses = List.of();
        private Optional<RedirectPlan> applied = Optional.empty();

        void start(List<InetAddress> ofPod) {
            addresses = ofPod;
            applied = Optional.empty();
        }

        @Override
        public String name() {
            return "iptables";
        }

        @Override
        public String detect() {
            return "in memory";
        }

        @Override
        public NamespaceHandle open(Path netns, Deadline deadline) {
            return new NamespaceHandle() {
                @Override
                public NamespaceId id() {
                    return new NamespaceId(1, 2, 3);
                }

                @Override
                public boolean isOwn() {
                    return false;
                }

                @Override
                public List<InetAddress> addresses() {
                    return addresses;
                }

                @Override
                public void apply(RedirectPlan plan) {
                    applied = Optional.of(plan);
                }

                @Override
                public List<RuleDifference> differences(RedirectPlan plan) {
                    return List.of();
                }

                @Override
                public void remove() {}

                @Override
                public void close() {}
            };
        }
    }
}
