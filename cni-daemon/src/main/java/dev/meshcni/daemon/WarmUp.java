// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.install.RunDirectory;
import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ADD, CHECK and DEL of a pod that does not exist, in a network namespace that is made for it and thrown away, and
 * calls for one outside the mesh over a socket that no plugin finds. It is what the first pods after the agent's start
 * would otherwise wait for: classes, programs and kernel modules that are loaded, code that is compiled.
 */
final class WarmUp {
    private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);
    private static final Duration BUDGET = Duration.ofSeconds(10);
    private static final String NAME = "rehearsal";

    private static final List<String> CALLS = List.of("ADD", "CHECK", "DEL", "ADD", "DEL");

    /** What most pods see of the agent: each in a namespace of its own, which is new. */
    private static final List<String> USUAL_CALLS = List.of("ADD", "DEL");

    /** The JVM compiles what was called a few times ({@code CompileThresholdScaling}, record 16). */
    private static final int REHEARSALS = 20;

    /** Where each call starts programs, they take most of it, and no compiler makes them faster. */
    private static final Duration ENOUGH = Duration.ofMillis(300);

    private static final int EXCHANGES = 40;

    private final PluginHandler handler;
    private final boolean nativeNftables;

    private WarmUp(PluginHandler handler, boolean nativeNftables) {
        this.handler = handler;
        this.nativeNftables = nativeNftables;
    }

    /**
     * Holds it, unless this process may not make network namespaces; that it fails is only logged, as the first pod's
     * ADD will tell.
     */
    static void run(Backends backends, PrevResultCheck check, boolean nativeNftables) {
        long start = System.nanoTime();
        RedirectBackend backend = backends.named(nativeNftables ? Backends.NFTABLES : Backends.DEFAULT);
        try (PodSource pods = new OnePod(OnePod.REDIRECTED)) {
            WarmUp warmUp = new WarmUp(new PluginHandler(pods, backends, check, Duration.ZERO), nativeNftables);
            boolean held = backend.withThrowaway(netns -> CALLS.forEach(verb -> warmUp.call(verb, netns)));
            for (int i = 1; held && i < REHEARSALS && System.nanoTime() - start < ENOUGH.toNanos(); i++) {
                held = backend.withThrowaway(netns -> USUAL_CALLS.forEach(verb -> warmUp.call(verb, netns)));
            }
            long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
            LOG.debug("warm-up: {}", held ? millis + " ms" : "skipped, cannot create a network namespace");
        }
    }

    /**
     * Calls as plugins do, of which a node sees few a minute: their code would be interpreted for hours.
     *
     * @param runDirectory gets a directory for the time of it
     */
    static void exchange(Path runDirectory, Backends backends, PrevResultCheck check) {
        long start = System.nanoTime();
        Path directory = runDirectory.resolve(RunDirectory.WARM_UP);
        try (PodSource pods = new OnePod(OnePod.OUTSIDE)) {
            WarmUp warmUp = new WarmUp(new PluginHandler(pods, backends, check, Duration.ZERO), false);
            try (AgentServer agent = AgentServer.startInSilence(directory, warmUp.handler::handle, BUDGET)) {
                for (int i = 0; i < EXCHANGES; i++) {
                    warmUp.ask(agent.socket());
                }
                Files.delete(agent.socket());
            }
            Files.delete(directory);
            LOG.debug(
                    "{} calls rehearsed: {} ms",
                    EXCHANGES,
                    Duration.ofNanos(System.nanoTime() - start).toMillis());
        } catch (IOException | DaemonException e) {
            LOG.warn("rehearsing calls over a socket failed: {}", e.toString());
        }
    }

    private void ask(Path socket) throws IOException {
        Path netns = Path.of("/run/netns", NAME);
        try (SocketChannel agent = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            AgentProtocol.write(agent, request("ADD", netns));
            AgentProtocol.readReply(agent);
        }
    }

    private void call(String verb, Path netns) {
        Answer answer = handler.handle(request(verb, netns), BUDGET);
        if (answer.outcome() == Answer.Outcome.FAILED || answer.outcome() == Answer.Outcome.RETRY) {
            LOG.warn("warm-up call {} in a temporary network namespace failed: {}", verb, answer.reason());
        }
    }

    private AgentProtocol.Request request(String verb, Path netns) {
        return new AgentProtocol.Request(environment(verb, netns), config(netns));
    }

    private static Map<String, String> environment(String verb, Path netns) {
        return Map.of(
                "CNI_COMMAND",
                verb,
                "CNI_CONTAINERID",
                NAME,
                "CNI_NETNS",
                netns.toString(),
                "CNI_IFNAME",
                "eth0",
                "CNI_PATH",
                "/opt/cni/bin",
                "CNI_ARGS",
                "K8S_POD_NAMESPACE=" + NAME + ";K8S_POD_NAME=" + NAME);
    }

    private byte[] config(Path netns) {
        return """
            {"cniVersion":"1.0.0","name":"%s","type":"istio-cni","native_nftables":%s,
             "prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"%s"}],
              "ips":[{"address":"169.254.0.2/32","interface":0}]}}
            """.formatted(NAME, nativeNftables, netns).getBytes(UTF_8);
    }

    /** A pod, whoever is looked for. */
    private static final class OnePod implements PodSource {
        private static final Pod OUTSIDE =
                new Pod(NAME, NAME, "", Map.of(), Map.of(), false, List.of(), List.of(container("app", Map.of())));
        private static final Pod REDIRECTED = new Pod(
                NAME,
                NAME,
                "",
                Map.of(),
                Map.of(
                        RedirectPolicy.STATUS,
                        "{}",
                        "traffic.sidecar.istio.io/excludeInboundPorts",
                        "9090",
                        "traffic.sidecar.istio.io/excludeOutboundIPRanges",
                        "198.51.100.0/24"),
                false,
                List.of(),
                List.of(
                        container("app", Map.of()),
                        container(AnnotationParser.PROXY_CONTAINER, Map.of("ISTIO_META_DNS_CAPTURE", "true"))));

        private final Pod pod;

        OnePod(Pod pod) {
            this.pod = pod;
        }

        @Override
        public Optional<Pod> find(
                String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
            return Optional.of(pod);
        }

        @Override
        public Optional<String> notReady() {
            return Optional.empty();
        }

        @Override
        public void close() {
            // It holds nothing.
        }

        private static Pod.Container container(String name, Map<String, String> env) {
            return new Pod.Container(name, List.of(), env, OptionalLong.empty(), OptionalLong.empty());
        }
    }
}
