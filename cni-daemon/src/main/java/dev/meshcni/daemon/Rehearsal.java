package dev.meshcni.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Answer;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
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
 * ADD, CHECK and DEL of a pod that does not exist, in a network namespace that is made for it and thrown away. It is what the first
 * pod after the agent's start would otherwise wait for: classes, programs and kernel modules that are loaded, code that is compiled.
 */
final class Rehearsal {
    private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
    private static final Duration BUDGET = Duration.ofSeconds(10);
    private static final String NAME = "rehearsal";
    private static final List<String> CALLS = List.of("ADD", "CHECK", "DEL", "ADD", "DEL");

    private final PluginHandler handler;
    private final boolean nativeNftables;

    private Rehearsal(PluginHandler handler, boolean nativeNftables) {
        this.handler = handler;
        this.nativeNftables = nativeNftables;
    }

    /** Holds it, unless this process may not make network namespaces; that it fails is only logged, as the first pod's ADD will tell. */
    static void hold(Backends backends, PrevResultCheck check, boolean nativeNftables) {
        long start = System.nanoTime();
        RedirectBackend backend = backends.named(nativeNftables ? Backends.NFTABLES : Backends.DEFAULT);
        try (PodSource pods = new OnePod()) {
            Rehearsal rehearsal =
                    new Rehearsal(new PluginHandler(pods, backends, check, Duration.ZERO), nativeNftables);
            boolean held = backend.withThrowaway(netns -> CALLS.forEach(verb -> rehearsal.call(verb, netns)));
            long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
            LOG.debug("warm-up: {}", held ? millis + " ms" : "skipped, cannot create a network namespace");
        }
    }

    private void call(String verb, Path netns) {
        Answer answer = handler.handle(new AgentProtocol.Request(environment(verb, netns), config(netns)), BUDGET);
        if (answer.outcome() == Answer.Outcome.FAILED || answer.outcome() == Answer.Outcome.RETRY) {
            LOG.warn("warm-up call {} in a temporary network namespace failed: {}", verb, answer.reason());
        }
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

    /** A pod with a sidecar. */
    private static final class OnePod implements PodSource {
        private static final Pod POD = new Pod(
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

        @Override
        public Optional<Pod> find(
                String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
            return Optional.of(POD);
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
