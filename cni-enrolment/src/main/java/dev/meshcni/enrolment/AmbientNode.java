// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static java.util.Objects.requireNonNull;

import dev.meshcni.ambient.AmbientEngine;
import dev.meshcni.ambient.PodNamespaces;
import dev.meshcni.ambient.host.HostProbes;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.Finding.Severity;
import dev.meshcni.config.DaemonException;
import dev.meshcni.core.AmbientMesh;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.host.linux.RootPath;
import dev.meshcni.kubernetes.KubernetesApi;
import dev.meshcni.kubernetes.KubernetesPodSource;
import dev.meshcni.netns.linux.HostPaths;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.repair.PodNetnsFinder;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.telemetry.MeshNumbers;
import dev.meshcni.ztunnel.ZdsLimits;
import dev.meshcni.ztunnel.ZtunnelServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ambient mode of a node: everything it is made of is put together here. */
public final class AmbientNode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AmbientNode.class);
    private static final Path FIRST_PROCESS = Path.of("/proc/1/ns/net");
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final int LEAVING_AT_ONCE = 8;

    /** For the pods of a full node; the kubelet gives the daemon more. */
    private static final Duration TIME_TO_LEAVE = Duration.ofSeconds(15);

    private final KubernetesPodSource pods;
    private final NamespaceLabels namespaces;
    private final ZtunnelServer ztunnels;
    private final HostProbes probes;
    private final StatusAnnotation status;
    private final AmbientEngine engine;
    private final TakeOver takeOver;
    private final EnrolmentController controller;
    private final NodeMesh mesh;
    private final Duration interval;
    private final Thread starter;
    private volatile boolean started;
    private volatile String trouble = "ambient mode is starting";
    private volatile boolean closed;
    private volatile Consumer<String> events = _ -> {};
    private volatile Runnable restored = () -> {};

    private AmbientNode(
            EnrolmentSettings settings,
            KubernetesApi api,
            KubernetesPodSource pods,
            RedirectBackend backend,
            PodNetnsFinder finder,
            HostProbes probes,
            ZtunnelServer ztunnels) {
        HostPaths host = HostPaths.standard();
        PodNamespaces own = PodNamespaces.except(List.of(host.translate(FIRST_PROCESS), Path.of("/proc/self/ns/net")));
        PodNamespaces opened = path -> own.open(host.translate(path));
        this.pods = requireNonNull(pods, "pods is null");
        this.probes = requireNonNull(probes, "probes is null");
        this.ztunnels = requireNonNull(ztunnels, "ztunnels is null");
        this.interval = settings.interval();
        this.namespaces = NamespaceLabels.start(api, settings.policy().namespaceLabels());
        this.status = new StatusAnnotation(api, pods);
        NamespaceRules rules = new NamespaceRules(backend, settings.node());
        this.engine = new AmbientEngine(ztunnels, rules, probes, status, opened);
        EnrolmentDecision decision = new EnrolmentDecision(settings.policy(), namespaces);
        RunningPods running = new RunningPods(finder, opened, backend);
        this.takeOver = new TakeOver(pods, decision, engine, rules, running);
        this.controller = new EnrolmentController(
                pods, decision, engine, status, running, takeOver, ztunnels::timeWithoutZtunnel, () -> restored.run());
        this.mesh = new NodeMesh(decision, engine, rules, this::notReady);
        this.starter = Thread.ofPlatform().name("ambient-start").daemon().unstarted(this::begin);
    }

    /**
     * Starts ambient mode; {@link #notReady} says when pods can join.
     *
     * @param backend writes the rules of pods
     * @param finder finds the namespaces of pods that run
     * @throws DaemonException if ztunnel's socket cannot be made, or the kubelet's probes cannot be exempt
     */
    public static AmbientNode start(
            EnrolmentSettings settings,
            KubernetesApi api,
            KubernetesPodSource pods,
            RedirectBackend backend,
            PodNetnsFinder finder) {
        return start(settings, api, pods, backend, finder, HostPaths.standard().translate(FIRST_PROCESS));
    }

    /** The same on a host whose network namespace is behind a path. */
    static AmbientNode start(
            EnrolmentSettings settings,
            KubernetesApi api,
            KubernetesPodSource pods,
            RedirectBackend backend,
            PodNetnsFinder finder,
            Path hostNetns) {
        HostProbes probes = probes(settings, hostNetns);
        ZtunnelServer ztunnels;
        try {
            ztunnels = bind(settings.socket());
        } catch (DaemonException e) {
            probes.close();
            throw e;
        }
        AmbientNode node = new AmbientNode(settings, api, pods, backend, finder, probes, ztunnels);
        node.starter.start();
        return node;
    }

    /** From now on counts what the watch of pods shows: {@code add}, {@code update} or {@code delete}. */
    public void countEvents(Consumer<String> counter) {
        events = requireNonNull(counter, "counter is null");
    }

    /** From now on counts what others have changed of the mesh on this node and was restored. */
    public void countRestorations(Runnable counter) {
        restored = requireNonNull(counter, "counter is null");
    }

    /** What the plugin's verbs need of it. */
    public AmbientMesh mesh() {
        return mesh;
    }

    /** Why pods cannot join the mesh yet; empty once they can. That no ztunnel is there is no such reason. */
    public Optional<String> notReady() {
        return started
                ? Optional.empty()
                : pods.notReady().or(namespaces::notReady).or(() -> Optional.of(trouble));
    }

    /** What an operator has to know about it. */
    public List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        ztunnels.problem()
                .ifPresent(problem -> findings.add(new Finding(
                        Severity.WARNING,
                        "no pod can join the ambient mesh: " + problem,
                        "check that the DaemonSet ztunnel has a ready pod on this node and reaches istiod")));
        Map<String, String> troubles = controller.troubles();
        if (!troubles.isEmpty()) {
            findings.add(new Finding(
                    Severity.WARNING,
                    troubles.size() + " pods are not as they should be in the ambient mesh, for one of them: "
                            + new TreeMap<>(troubles).firstEntry().getValue(),
                    "the daemon retries; its log names the pods"));
        }
        return findings;
    }

    /** The state in numbers. */
    public MeshNumbers numbers() {
        return new MeshNumbers(
                ztunnels.connections().size(),
                engine.pods().size(),
                controller.troubles().size());
    }

    /**
     * Takes all pods out of the mesh, and what is on the host for them: the last thing that an uninstallation does.
     *
     * @return what is left, with the remedy; empty if nothing is
     */
    public Optional<String> uninstall(Duration patience) {
        boolean complete = started;
        started = false;
        closed = true;
        trouble = "ambient mode is being uninstalled";
        controller.close();
        Deadline deadline = Deadline.after(patience.compareTo(TIME_TO_LEAVE) > 0 ? patience : TIME_TO_LEAVE);
        List<String> left = new ArrayList<>(leaveAll(deadline));
        if (!complete) {
            left.add("the agent was not ready yet, so that pods of an earlier one may still have rules");
        }
        try {
            probes.remove();
        } catch (RedirectException e) {
            left.add("exemption of the kubelet's probes: " + e.getMessage());
        }
        int unwritten = status.awaitWritten(deadline);
        if (unwritten > 0) {
            left.add(unwritten + " pods still show that they are in the mesh, to which others speak HBONE: remove their"
                    + " annotation " + AmbientMetadata.REDIRECTION);
        }
        return left.isEmpty()
                ? Optional.empty()
                : Optional.of("leftovers of ambient mode: " + left.getFirst()
                        + (left.size() > 1 ? ", and " + (left.size() - 1) + " more" : "")
                        + "; or restart the pods of this node that were in the mesh");
    }

    /** Takes pods out of the mesh, several at a time; why some could not be taken out. */
    private List<String> leaveAll(Deadline deadline) {
        List<String> left = Collections.synchronizedList(new ArrayList<>());
        try (ExecutorService leaving = Executors.newFixedThreadPool(LEAVING_AT_ONCE)) {
            engine.pods().stream()
                    .filter(uid -> engine.namespace(uid).isPresent())
                    .flatMap(uid -> engine.pod(uid).stream())
                    .forEach(pod -> leaving.execute(() -> {
                        try {
                            engine.leave(pod, deadline);
                        } catch (RuntimeException e) {
                            left.add(e.getMessage());
                        }
                    }));
        }
        return left;
    }

    @Override
    public void close() {
        closed = true;
        starter.interrupt();
        controller.close();
        status.close();
        engine.close();
        ztunnels.close();
        probes.close();
        namespaces.close();
    }

    private static HostProbes probes(EnrolmentSettings settings, Path hostNetns) {
        Map<IpFamily, Cidr> sources = new EnumMap<>(IpFamily.class);
        sources.put(IpFamily.IPV4, settings.node().probe(IpFamily.IPV4));
        if (settings.node().ipv6()) {
            sources.put(IpFamily.IPV6, settings.node().probe(IpFamily.IPV6));
        }
        try {
            return HostProbes.detect(hostNetns, sources);
        } catch (RedirectException e) {
            throw new DaemonException(e.getMessage(), e);
        }
    }

    private static ZtunnelServer bind(Path socket) {
        Path directory = socket.toAbsolutePath().getParent();
        try {
            if (!Files.exists(directory)) {
                RootPath.makePrivateDirectory(directory);
            }
            return ZtunnelServer.bind(RootPath.directory(directory).resolve(socket.getFileName()), ZdsLimits.DEFAULT);
        } catch (IOException | RedirectException e) {
            throw new DaemonException("cannot make ztunnel's socket " + socket + ": " + e.getMessage(), e);
        }
    }

    private void begin() {
        while (!closed) {
            try {
                while (!isSynced()) {
                    Thread.sleep(POLL);
                }
                takeOver.ofEarlierAgent();
                List<String> _ = engine.sweepProbes();
                ztunnels.whenReady(controller::reconcileAll);
                ztunnels.start();
                started = true;
                controller.follow(namespaces, interval, type -> events.accept(type));
                LOG.info("ambient mode started, ztunnel's socket is {}; {}", ztunnels.path(), probes.describe());
                return;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (RuntimeException e) {
                if (!e.toString().equals(trouble)) {
                    trouble = e.toString();
                    LOG.error("ambient mode cannot start, retrying: {}", trouble, e);
                }
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isSynced() {
        return pods.notReady().isEmpty() && namespaces.notReady().isEmpty();
    }
}
