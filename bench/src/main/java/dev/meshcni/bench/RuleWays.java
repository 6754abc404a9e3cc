// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.libc.NetlinkSocket;
import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netns.linux.HostPaths;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NetworkNamespace;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.netns.linux.RuleWay;
import dev.meshcni.nftables.IptablesTables;
import dev.meshcni.nftables.OwnTable;
import dev.meshcni.nftables.WantedTable;
import dev.meshcni.redirect.Decision;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The same rules by netlink and by the programs, in turn: until they are there and compared, and until they are gone.
 * Beside them what the kernel takes alone for the same batch.
 */
final class RuleWays {
    static final String IPTABLES = "iptables";
    static final String NFTABLES = "nftables";
    static final String IPV4 = "IPv4";
    static final String DUAL_STACK = "dual stack";
    static final String EXCLUDING = "IPv4, 1000 exclusions";

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int WARM_UP = 40;
    private static final int EXCLUDED = 1000;

    private static final List<Way> WAYS = List.of(
            new Way(
                    IPTABLES,
                    By.NETLINK,
                    new Handled(new IptablesBackend("nft", RuleWay.NETLINK, HostPaths.standard()))),
            new Way(
                    IPTABLES,
                    By.PROGRAMS,
                    new Handled(new IptablesBackend("nft", RuleWay.PROGRAMS, HostPaths.standard()))),
            new Way(IPTABLES, By.KERNEL, new KernelAlone(true)),
            new Way(NFTABLES, By.NETLINK, new Handled(new NftBackend())),
            new Way(NFTABLES, By.PROGRAMS, new NftProgram()),
            new Way(NFTABLES, By.KERNEL, new KernelAlone(false)));

    private RuleWays() {}

    /** Who puts rules into the kernel. */
    enum By {
        NETLINK("netlink"),
        PROGRAMS("programs"),
        KERNEL("kernel alone");

        private final String label;

        By(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    /**
     * What was measured of one way.
     *
     * @param rules what holds them: {@link #IPTABLES} or {@link #NFTABLES}
     * @param by how they went there
     * @param pod what the pod is like
     * @param add milliseconds until they are there, read back and compared
     * @param delete milliseconds until they are gone
     */
    record Row(String rules, By by, String pod, Series add, Series delete) {}

    private record Way(String rules, By by, Hands hands) {}

    private record Subject(Way way, String pod) {}

    /** Puts rules into a namespace and takes them out; each method returns the nanoseconds that it took. */
    private interface Hands {
        long add(Path netns, RedirectPlan plan);

        long delete(Path netns, RedirectPlan plan);
    }

    private record Handled(RedirectBackend backend) implements Hands {
        @Override
        public long add(Path netns, RedirectPlan plan) {
            long start = System.nanoTime();
            try (NamespaceHandle handle = backend.open(netns, Deadline.after(PATIENCE))) {
                handle.apply(plan);
            }
            return System.nanoTime() - start;
        }

        @Override
        public long delete(Path netns, RedirectPlan plan) {
            long start = System.nanoTime();
            try (NamespaceHandle handle = backend.open(netns, Deadline.after(PATIENCE))) {
                handle.remove();
            }
            return System.nanoTime() - start;
        }
    }

    /** {@code nft}: one process loads, one reads back. What it printed is not even compared. */
    private record NftProgram() implements Hands {
        @Override
        public long add(Path netns, RedirectPlan plan) {
            long start = System.nanoTime();
            NetworkNamespace.inside(netns, () -> {
                run(
                        plan.ruleSets().stream().map(NftRenderer::definition).collect(Collectors.joining()),
                        "nft",
                        "-f",
                        "-");
                return run("", "nft", "-j", "list", "ruleset");
            });
            return System.nanoTime() - start;
        }

        @Override
        public long delete(Path netns, RedirectPlan plan) {
            long start = System.nanoTime();
            NetworkNamespace.inside(netns, () -> {
                run("", "nft", "-j", "list", "ruleset");
                return run(
                        Stream.of(IpFamily.values()).map(NftRenderer::deletion).collect(Collectors.joining()),
                        "nft",
                        "-f",
                        "-");
            });
            return System.nanoTime() - start;
        }

        private static String run(String input, String... command) {
            try {
                Process process =
                        new ProcessBuilder(command).redirectErrorStream(true).start();
                process.getOutputStream().write(input.getBytes(UTF_8));
                process.getOutputStream().close();
                String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
                if (process.onExit().join().exitValue() != 0) {
                    throw new BenchException(String.join(" ", command) + " failed: " + printed);
                }
                return printed;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /**
     * The same batch that the netlink way sends, by a thread that is in the namespace and has its socket open: from
     * {@code send(2)} to the kernel's acknowledgement. Nothing is listed, read back or compared.
     */
    private record KernelAlone(boolean iptables) implements Hands {
        @Override
        public long add(Path netns, RedirectPlan plan) {
            NfBatch batch = new NfBatch();
            for (RuleSet rules : plan.ruleSets()) {
                if (iptables) {
                    new IptablesTables(rules.family(), List.of()).change(rules, batch);
                } else {
                    OwnTable.among(rules.family(), List.of()).change(WantedTable.of(rules), batch);
                }
            }
            return send(netns, batch);
        }

        @Override
        public long delete(Path netns, RedirectPlan plan) {
            NfBatch batch = new NfBatch();
            for (RuleSet rules : plan.ruleSets()) {
                if (iptables) {
                    new IptablesTables(rules.family(), List.of())
                            .change(rules, new NfBatch()).stream()
                                    .map(table -> NfTables.delete(new KernelTable(proto(rules.family()), table)))
                                    .forEach(message -> batch.add(() -> "deleting a table", message));
                } else {
                    OwnTable.delete(rules.family(), batch);
                }
            }
            return send(netns, batch);
        }

        private static NfProto proto(IpFamily family) {
            return switch (family) {
                case IPV4 -> NfProto.IPV4;
                case IPV6 -> NfProto.IPV6;
            };
        }

        private static long send(Path netns, NfBatch batch) {
            return NetworkNamespace.inside(netns, () -> {
                try (NetlinkSocket socket = new NetlinkSocket(NetlinkSocket.NETFILTER)) {
                    long start = System.nanoTime();
                    socket.transact(batch);
                    return System.nanoTime() - start;
                }
            });
        }
    }

    /** Measures the ways in turn, each time in a namespace that is new. */
    static List<Row> measure(int rounds) throws IOException {
        Map<String, RedirectPlan> pods = new LinkedHashMap<>();
        pods.put(IPV4, plan(0, Set.of(IpFamily.IPV4)));
        pods.put(DUAL_STACK, plan(0, Set.of(IpFamily.values())));
        pods.put(EXCLUDING, plan(EXCLUDED, Set.of(IpFamily.IPV4)));
        Map<Subject, List<Double>> adds = new LinkedHashMap<>();
        Map<Subject, List<Double>> deletes = new LinkedHashMap<>();
        for (Map.Entry<String, RedirectPlan> pod : pods.entrySet()) {
            for (int round = -WARM_UP; round < rounds; round++) {
                for (Way way : WAYS) {
                    boolean counts = round >= 0;
                    // A program is as warm the first time.
                    if (counts || way.by() != By.PROGRAMS) {
                        measure(new Subject(way, pod.getKey()), pod.getValue(), counts, adds, deletes);
                    }
                }
            }
        }
        return adds.keySet().stream()
                .map(subject -> new Row(
                        subject.way().rules(),
                        subject.way().by(),
                        subject.pod(),
                        Series.of(adds.get(subject)),
                        Series.of(deletes.get(subject))))
                .toList();
    }

    private static void measure(
            Subject subject,
            RedirectPlan plan,
            boolean counts,
            Map<Subject, List<Double>> adds,
            Map<Subject, List<Double>> deletes)
            throws IOException {
        try (PodNamespace namespace = PodNamespace.make()) {
            long added = subject.way().hands().add(namespace.path(), plan);
            long deleted = subject.way().hands().delete(namespace.path(), plan);
            if (counts) {
                adds.computeIfAbsent(subject, _ -> new ArrayList<>()).add(millis(added));
                deletes.computeIfAbsent(subject, _ -> new ArrayList<>()).add(millis(deleted));
            }
        }
    }

    private static double millis(long nanos) {
        return nanos / (double) TimeUnit.MILLISECONDS.toNanos(1);
    }

    /** The rules of a pod that excludes so many ports and networks. */
    static RedirectPlan plan(int excluded, Set<IpFamily> families) {
        return switch (RedirectPolicy.decide(ExcludingPod.of(excluded))) {
            case Decision.Redirect redirect -> RuleCompiler.compile(redirect.parameters(), families);
            case Decision.Skip skip -> throw new BenchException("skipped: " + skip.detail());
        };
    }
}
