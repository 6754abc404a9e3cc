// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.Backends;
import dev.meshcni.core.PluginHandler;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.core.spi.PodSource;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.host.linux.RootPath;
import dev.meshcni.install.RunDirectory;
import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.telemetry.AgentMetrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
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
 * Calls as plugins make them, over a socket that no plugin finds: ADD, CHECK and DEL of pods that do not exist, in
 * network namespaces that are made for them and thrown away. They take the way of every other call, with records and
 * metrics of their own. It is what the first pods after the agent's start would otherwise wait for: classes, programs
 * and kernel modules that are loaded, code that is compiled. A node sees few calls a minute, and without this their
 * code would be interpreted for hours.
 */
final class WarmUp {
    private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);
    private static final Duration BUDGET = Duration.ofSeconds(10);
    private static final String NAME = "rehearsal";
    private static final String OUTSIDE = "outside";

    private static final List<String> CALLS = List.of("ADD", "CHECK", "DEL", "ADD", "DEL");

    /** What most pods see of the agent: each in a namespace of its own, which is new. */
    private static final List<String> USUAL_CALLS = List.of("ADD", "DEL");

    /** The JVM compiles what was called a few times ({@code CompileThresholdScaling}, record 16). */
    private static final int REHEARSALS = 20;

    /** Where each call starts programs, they take most of it, and no compiler makes them faster. */
    private static final Duration ENOUGH = Duration.ofMillis(500);

    /** Pods that ask for different things: rules that were compiled before are not compiled again. */
    private static final int KINDS_OF_PODS = 6;

    private final Path socket;
    private final boolean nativeNftables;

    private WarmUp(Path socket, boolean nativeNftables) {
        this.socket = socket;
        this.nativeNftables = nativeNftables;
    }

    /**
     * Rehearses, as far as this process may make network namespaces; that it fails is only logged, as the first pod's
     * ADD will tell.
     *
     * @param runDirectory gets a directory for the time of it
     */
    static void run(Path runDirectory, Backends backends, PrevResultCheck check, boolean nativeNftables) {
        Path directory = runDirectory.resolve(RunDirectory.WARM_UP);
        try (PodSource pods = new WarnedPods(new MadeUpPods(), (_, _) -> {})) {
            RootPath.makePrivateDirectory(runDirectory);
            clear(directory);
            PluginHandler handler = new PluginHandler(
                    pods, Optional::empty, backends, check, Duration.ZERO, AttachmentFiles.in(directory));
            AgentMetrics metrics = new AgentMetrics(() -> handler.attachments().size(), () -> 0, () -> 0);
            try (AgentServer agent =
                    AgentServer.startInSilence(directory, new CountedCalls(handler::handle, metrics), BUDGET)) {
                WarmUp warmUp = new WarmUp(agent.socket(), nativeNftables);
                warmUp.hold(backends.named(nativeNftables ? Backends.NFTABLES : Backends.DEFAULT));
            } finally {
                clear(directory);
            }
        } catch (IOException | UncheckedIOException | DaemonException e) {
            LOG.warn("rehearsing calls failed: {}", e.toString());
        }
    }

    private static void clear(Path directory) {
        try {
            if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
                new DiskSteps().deleteTree(directory);
            }
        } catch (IOException e) {
            LOG.warn("cannot remove {}: {}", directory, e.toString());
        }
    }

    private void hold(RedirectBackend backend) {
        long start = System.nanoTime();
        boolean held =
                backend.withThrowaway(netns -> CALLS.forEach(verb -> call(verb, MadeUpPods.redirected(0), netns)));
        int rounds = 1;
        for (; rounds < REHEARSALS && System.nanoTime() - start < ENOUGH.toNanos(); rounds++) {
            String pod = MadeUpPods.redirected(rounds % KINDS_OF_PODS);
            held = held && backend.withThrowaway(netns -> USUAL_CALLS.forEach(verb -> call(verb, pod, netns)));
            call("ADD", OUTSIDE, Path.of("/run/netns", OUTSIDE));
        }
        LOG.debug(
                "{} rounds of calls rehearsed in {} ms{}",
                rounds,
                Duration.ofNanos(System.nanoTime() - start).toMillis(),
                held ? "" : ", without pods that are redirected, as no network namespace can be created");
    }

    private void call(String verb, String pod, Path netns) {
        AgentProtocol.Reply reply = ask(new AgentProtocol.Request(environment(verb, pod, netns), config(netns)));
        if (reply.exitCode() != 0) {
            LOG.warn("rehearsed call {} failed: {}", verb, new String(reply.stdout(), UTF_8));
        }
    }

    private AgentProtocol.Reply ask(AgentProtocol.Request request) {
        try (SocketChannel agent = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            AgentProtocol.write(agent, request);
            return AgentProtocol.readReply(agent);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, String> environment(String verb, String pod, Path netns) {
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
                "K8S_POD_NAMESPACE=" + NAME + ";K8S_POD_NAME=" + pod);
    }

    private byte[] config(Path netns) {
        return """
            {"cniVersion":"1.0.0","name":"%s","type":"istio-cni","native_nftables":%s,
             "prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"%s"}],
              "ips":[{"address":"169.254.0.2/32","interface":0}]}}
            """.formatted(NAME, nativeNftables, netns).getBytes(UTF_8);
    }

    /** One outside of the mesh, and redirected ones, each of which excludes a port of its own. */
    private static final class MadeUpPods implements PodSource {
        private static final int FIRST_PORT = 9090;

        /** The name of a redirected pod of a kind. */
        static String redirected(int kind) {
            return NAME + "-" + (FIRST_PORT + kind);
        }

        @Override
        public Optional<Pod> find(
                String namespace, String name, String uid, Predicate<Pod> doubtful, Duration patience) {
            return Optional.of(name.equals(OUTSIDE) ? outside() : excluding(name));
        }

        private static Pod outside() {
            return new Pod(
                    NAME, OUTSIDE, "", Map.of(), Map.of(), false, List.of(), List.of(container("app", Map.of())));
        }

        private static Pod excluding(String name) {
            return new Pod(
                    NAME,
                    name,
                    "",
                    Map.of(),
                    Map.of(
                            RedirectPolicy.STATUS,
                            "{}",
                            "traffic.sidecar.istio.io/excludeInboundPorts",
                            name.substring(NAME.length() + 1),
                            "traffic.sidecar.istio.io/excludeOutboundIPRanges",
                            "198.51.100.0/24"),
                    false,
                    List.of(),
                    List.of(
                            container("app", Map.of()),
                            container(AnnotationParser.PROXY_CONTAINER, Map.of("ISTIO_META_DNS_CAPTURE", "true"))));
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
