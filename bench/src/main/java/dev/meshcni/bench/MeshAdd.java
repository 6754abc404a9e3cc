// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import dev.meshcni.ambient.AmbientEngine;
import dev.meshcni.ambient.AmbientPod;
import dev.meshcni.ambient.MeshStatus;
import dev.meshcni.ambient.PodNamespaces;
import dev.meshcni.ambient.StatusOutput;
import dev.meshcni.ambient.host.HostProbes;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.enrolment.NamespaceRules;
import dev.meshcni.netns.linux.HostPaths;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NetworkNamespace;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.netns.linux.RuleWay;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.ztunnel.ZdsLimits;
import dev.meshcni.ztunnel.ZtunnelServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The agent's part of an ADD that joins the ambient mesh, until all of it is there and compared, beside a ztunnel that
 * answers at once.
 */
final class MeshAdd {
    static final String IPTABLES = "agent: ambient ADD, iptables";
    static final String NFTABLES = "agent: ambient ADD, nftables";

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int WARM_UP = 40;
    private static final List<Integer> PORTS = List.of(15_001, 15_006, 15_008);

    private MeshAdd() {}

    static List<Result> measure(int rounds) throws IOException {
        return List.of(
                measure(IPTABLES, new IptablesBackend("nft", RuleWay.NETLINK, HostPaths.standard()), rounds),
                measure(NFTABLES, new NftBackend(), rounds));
    }

    private static Result measure(String name, RedirectBackend backend, int rounds) throws IOException {
        List<Double> millis = new ArrayList<>();
        Map<IpFamily, Cidr> sources = Map.of(
                IpFamily.IPV4, AmbientOptions.Node.STANDARD.probeIpv4(),
                IpFamily.IPV6, AmbientOptions.Node.STANDARD.probeIpv6());
        try (Scratch scratch = Scratch.make();
                PodNamespace host = PodNamespace.make();
                HostProbes probes = HostProbes.detect(host.path(), sources);
                ZtunnelServer server =
                        ZtunnelServer.bind(scratch.directory().resolve("ztunnel.sock"), ZdsLimits.DEFAULT);
                AmbientEngine engine = new AmbientEngine(
                        server,
                        new NamespaceRules(backend, AmbientOptions.Node.STANDARD),
                        probes,
                        new Shown(),
                        PodNamespaces.except(List.of(host.path())))) {
            server.start();
            try (PromptZtunnel _ = PromptZtunnel.connect(server.path())) {
                for (int round = -WARM_UP; round < rounds; round++) {
                    double add = add(engine, round);
                    if (round >= 0) {
                        millis.add(add);
                    }
                }
            }
        }
        return Result.ofCall(name, Series.of(millis));
    }

    private static double add(AmbientEngine engine, int round) throws IOException {
        AmbientPod pod = new AmbientPod(
                "uid" + round,
                "bench",
                "pod" + round,
                "default",
                Map.of(),
                List.of(InetAddress.ofLiteral("10.250.0.2")));
        try (PodNamespace namespace = PodNamespace.make()) {
            List<ServerSocket> listeners = listen(namespace.path());
            try {
                long start = System.nanoTime();
                engine.add(pod, namespace.path(), Deadline.after(PATIENCE));
                double millis = (System.nanoTime() - start) / (double) TimeUnit.MILLISECONDS.toNanos(1);
                if (!engine.delete(pod.uid(), namespace.path(), Deadline.after(PATIENCE))) {
                    throw new BenchException("DEL did not find the pod");
                }
                return millis;
            } finally {
                for (ServerSocket listener : listeners) {
                    listener.close();
                }
            }
        }
    }

    /** What ztunnel would open. */
    private static List<ServerSocket> listen(Path netns) {
        return NetworkNamespace.inside(
                netns,
                () -> PORTS.stream().flatMap(port -> Stream.of(listen(port))).toList());
    }

    private static ServerSocket listen(int port) {
        try {
            return new ServerSocket(port);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The API server is not waited for. */
    private static final class Shown implements StatusOutput {
        private volatile MeshStatus last = MeshStatus.NONE;

        @Override
        public MeshStatus shown(AmbientPod pod) {
            return last;
        }

        @Override
        public void show(AmbientPod pod, MeshStatus status) {
            last = status;
        }
    }
}
