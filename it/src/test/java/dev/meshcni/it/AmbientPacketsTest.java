// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.testkit.RecordedAmbient;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import dev.meshcni.trace.AmbientPath;
import dev.meshcni.trace.PacketExplanation;
import dev.meshcni.trace.PacketTrace;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Real packets of ambient pods, those with ztunnel's mark among them, arrive where {@link PacketTrace} says: by rules
 * that we write, and by those that Istio's node agent writes for the same options.
 */
@Slow
@NeedsRoot("makes network namespaces")
class AmbientPacketsTest {
    private static final List<Integer> ZTUNNEL_PORTS = List.of(15001, 15006, 15008, 15053);
    private static final String GUEST_LINK = "net1";

    /** Who puts the rules into the pod. */
    private enum Author {
        IPTABLES,
        NFTABLES,
        ISTIO_IPTABLES,
        ISTIO_NFTABLES
    }

    @BeforeAll
    static void needs() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables", "nft");
    }

    static Stream<Arguments> pods() {
        return Stream.of(RecordedAmbient.values())
                .flatMap(recorded -> Stream.of(EnumSet.of(IpFamily.IPV4), EnumSet.allOf(IpFamily.class))
                        .map(families -> arguments(recorded, families)));
    }

    @ParameterizedTest
    @MethodSource("pods")
    void packetsArriveWhereTheTraceSays(RecordedAmbient recorded, Set<IpFamily> families) {
        AmbientOptions options = withGuestLink(recorded.options());
        RedirectPlan plan = AmbientRules.compile(options, families);
        for (Author author : Author.values()) {
            Set<AmbientPath> paths = new TreeSet<>();
            try (PodNetns world = PodNetns.create()) {
                enrol(world.pod(), author, recorded, plan);
                world.listenInside("proxy", Owner.ZTUNNEL, ZTUNNEL_PORTS);
                world.listenInside("app", Owner.APPLICATION, PacketPool.PORTS);
                world.listenBeyond("beyond", PacketPool.PORTS_BEYOND);
                for (IpFamily family : families) {
                    for (PacketPool.Flight flight : flights(family)) {
                        paths.add(AmbientPath.of(compare(author, world, plan, flight), options));
                    }
                }
            }
            assertThat(paths)
                    .contains(AmbientPath.CAPTURED, AmbientPath.DIRECT, AmbientPath.FROM_ZTUNNEL, AmbientPath.TUNNEL);
            assertThat(paths.contains(AmbientPath.PROBE)).isTrue();
        }
    }

    private static PacketTrace compare(Author author, PodNetns world, RedirectPlan plan, PacketPool.Flight flight) {
        PacketTrace trace = flight.trace(plan);
        Optional<String> expected = flight.place(trace);
        if (expected.isPresent()) {
            Outcome outcome = flight.send(world);
            assertThat(outcome.place())
                    .as(
                            "%s, %s arrived at %s%n%s",
                            author, flight, outcome, PacketExplanation.of(trace).text())
                    .isEqualTo(expected.get());
        }
        return trace;
    }

    private static void enrol(Netns pod, Author author, RecordedAmbient recorded, RedirectPlan plan) {
        switch (author) {
            case IPTABLES -> apply(new IptablesBackend(), pod, plan);
            case NFTABLES -> apply(new NftBackend(), pod, plan);
            case ISTIO_IPTABLES -> {
                for (IpFamily family : plan.families()) {
                    String program = family == IpFamily.IPV4 ? "iptables-restore" : "ip6tables-restore";
                    pod.command(program, "--noflush")
                            .input(withGuestLink(recorded.iptables(family)))
                            .run();
                }
                route(pod, plan.families());
            }
            case ISTIO_NFTABLES -> {
                boolean ipv6 = plan.families().contains(IpFamily.IPV6);
                pod.command("nft", "-f", "-")
                        .input(withGuestLink(recorded.nft(ipv6)))
                        .run();
                route(pod, plan.families());
            }
        }
    }

    private static void apply(RedirectBackend backend, Netns pod, RedirectPlan plan) {
        Visit.to(backend, pod.path()).apply(plan);
        assertThat(Visit.to(backend, pod.path()).differences(plan)).isEmpty();
    }

    private static void route(Netns pod, Set<IpFamily> families) {
        pod.ip(
                "route add local 0.0.0.0/0 dev lo table 100 scope host",
                "rule add fwmark 0x111/0xfff pref 32764 lookup 100");
        if (families.contains(IpFamily.IPV6)) {
            pod.ip("route add local ::/0 dev lo table 100");
            pod.run("ip", "-6", "rule", "add", "fwmark", "0x111/0xfff", "pref", "32764", "lookup", "100");
        }
    }

    /** Out of the pod, within it, into it and from its guest; by the application, by ztunnel and by the kubelet. */
    private static List<PacketPool.Flight> flights(IpFamily family) {
        boolean v4 = family == IpFamily.IPV4;
        String pod = v4 ? PodNetns.ADDRESS : PodNetns.ADDRESS_V6;
        String loopback = v4 ? "127.0.0.1" : "::1";
        String elsewhere = v4 ? "10.1.2.3" : "fd99:1::3";
        String resolver = v4 ? PacketPool.RESOLVER : PacketPool.RESOLVER_V6;
        String kubelet = (v4 ? RecordedAmbient.PROBE_IPV4 : RecordedAmbient.PROBE_IPV6)
                .address()
                .getHostAddress();
        String side = v4 ? PodNetns.GUEST_SIDE : PodNetns.GUEST_SIDE_V6;
        List<PacketPool.Flight> flights = new ArrayList<>();
        for (Owner owner : List.of(Owner.APPLICATION, Owner.ZTUNNEL)) {
            Stream.of(
                            Probe.tcp(elsewhere, 443),
                            Probe.tcp(elsewhere, 15008),
                            Probe.udp(elsewhere, 443),
                            Probe.tcp(resolver, 53),
                            Probe.udp(resolver, 53),
                            Probe.tcp(kubelet, 443),
                            Probe.tcp(pod, 8080),
                            Probe.udp(pod, 53),
                            Probe.tcp(pod, 53),
                            Probe.tcp(loopback, 8080),
                            Probe.udp(loopback, 53))
                    .forEach(probe -> flights.add(new PacketPool.Flight(PacketPool.Sender.POD, probe.as(owner))));
        }
        // ztunnel → application, from the client's address: the answers come back to ztunnel.
        Stream.of(8080, 53)
                .map(port -> Probe.tcp(pod, port).as(Owner.ZTUNNEL).from(elsewhere))
                .forEach(probe -> flights.add(new PacketPool.Flight(PacketPool.Sender.POD, probe)));
        Stream.of(
                        Probe.tcp(pod, 8080),
                        Probe.tcp(pod, 8080).from(elsewhere),
                        Probe.tcp(pod, 8080).from(kubelet),
                        Probe.tcp(pod, 15008),
                        Probe.tcp(pod, 53),
                        Probe.udp(pod, 53),
                        Probe.udp(pod, 8080))
                .forEach(probe -> flights.add(new PacketPool.Flight(PacketPool.Sender.BEYOND, probe)));
        Stream.of(Probe.tcp(elsewhere, 443), Probe.tcp(side, 8080), Probe.tcp(elsewhere, 15008))
                .forEach(probe -> flights.add(new PacketPool.Flight(PacketPool.Sender.GUEST, probe)));
        return flights;
    }

    private static AmbientOptions withGuestLink(AmbientOptions options) {
        return new AmbientOptions(
                options.dnsCapture(),
                options.dnsOrigin(),
                options.inboundBypassed(),
                options.virtualInterfaces().stream()
                        .map(name -> new InterfaceName(withGuestLink(name.value())))
                        .toList(),
                options.node());
    }

    private static String withGuestLink(String text) {
        return text.replace(RecordedAmbient.GUEST_INTERFACE, GUEST_LINK);
    }
}
