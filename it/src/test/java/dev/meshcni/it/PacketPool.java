// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.trace.Packet;
import dev.meshcni.trace.PacketTrace;
import dev.meshcni.trace.PacketTrace.Verdict;
import dev.meshcni.trace.PodNetwork;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/** Packets at random through the world of {@link PodNetns}: out of the pod, within it, into it, and from its guest. */
final class PacketPool {
    static final String RESOLVER = "10.100.0.10";
    static final String RESOLVER_V6 = "fd97::10";

    /** Where the application listens in the pod. */
    static final List<Integer> PORTS = List.of(53, 80, 443, 8080, 9090, 15020, 15021, 15090);

    /** Where everybody listens beyond the pod. */
    static final List<Integer> PORTS_BEYOND =
            Stream.concat(PORTS.stream(), Stream.of(15008)).toList();

    private static final InterfaceName UPLINK = new InterfaceName("eth0");
    private static final InterfaceName GUEST_LINK = new InterfaceName("net1");
    private static final List<Long> UIDS = List.of(0L, 1000L, 1337L, 2001L);
    private static final List<Long> GIDS = List.of(0L, 1000L, 1337L, 2002L, 3003L);
    private static final List<String> ELSEWHERE = List.of("10.1.2.3", "10.1.9.9", "10.3.0.1", RESOLVER, "10.200.0.1");
    private static final List<String> ELSEWHERE_V6 =
            List.of("fd99:1::3", "fd99:2::9", "fd98::1", RESOLVER_V6, "fd96::1");

    private final Random random;

    PacketPool(Random random) {
        this.random = random;
    }

    /** Who sends a packet. */
    enum Sender {
        POD,
        BEYOND,
        GUEST
    }

    /** A packet and the place where it is sent. */
    record Flight(Sender sender, Probe probe) {
        /** What the trace says of it. */
        PacketTrace trace(RedirectPlan plan) {
            Packet packet = Packet.first(
                    probe.protocol(),
                    source(),
                    probe.destination().getAddress(),
                    probe.destination().getPort());
            return switch (sender) {
                case POD ->
                    PacketTrace.sent(
                            plan,
                            network(UPLINK),
                            packet.sentBy(probe.owner().uid(), probe.owner().gid())
                                    .marked(probe.owner().mark(), 0));
                case BEYOND -> PacketTrace.received(plan, network(UPLINK), UPLINK, packet);
                case GUEST -> PacketTrace.received(plan, network(GUEST_LINK), GUEST_LINK, packet);
            };
        }

        /** The listener that must get it by the trace; none where nobody would, as the pod does not forward. */
        Optional<String> place(PacketTrace trace) {
            int port = probe.destination().getPort();
            boolean local = network(UPLINK).isLocal(probe.destination().getAddress());
            return switch (trace.verdict()) {
                case Verdict.Redirected(int to) -> Optional.of("proxy:" + to);
                case Verdict.Tproxied(int to) -> Optional.of("proxy:" + to);
                case Verdict.Untouched _ when local -> Optional.of((isProxys(port) ? "proxy:" : "app:") + port);
                case Verdict.Untouched _ when sender == Sender.POD -> Optional.of("beyond:" + port);
                case Verdict.Untouched _, Verdict.Dropped _, Verdict.FollowsConnection _ -> Optional.empty();
            };
        }

        Outcome send(PodNetns world) {
            return switch (sender) {
                case POD -> world.inside().send(probe);
                case BEYOND -> world.outside().send(probe);
                case GUEST -> world.guest().send(probe);
            };
        }

        private InetAddress source() {
            return probe.source().orElseGet(() -> switch (sender) {
                case POD -> network(UPLINK).sourceFor(probe.destination().getAddress());
                case BEYOND -> literal(PodNetns.GATEWAY, PodNetns.GATEWAY_V6);
                case GUEST -> literal(PodNetns.GUEST, PodNetns.GUEST_V6);
            });
        }

        private InetAddress literal(String v4, String v6) {
            return InetAddress.ofLiteral(probe.family() == IpFamily.IPV4 ? v4 : v6);
        }

        private static boolean isProxys(int port) {
            return RandomParameters.PROXY_PORTS.contains(port);
        }

        private static PodNetwork network(InterfaceName device) {
            return new PodNetwork(
                    device,
                    List.of(
                            InetAddress.ofLiteral(PodNetns.ADDRESS),
                            InetAddress.ofLiteral(PodNetns.ADDRESS_V6),
                            InetAddress.ofLiteral(PodNetns.GUEST_SIDE),
                            InetAddress.ofLiteral(PodNetns.GUEST_SIDE_V6)));
        }
    }

    List<Flight> flights(int count) {
        List<Flight> flights = new ArrayList<>();
        while (flights.size() < count) {
            flights.add(next(random.nextBoolean() ? IpFamily.IPV4 : IpFamily.IPV6));
        }
        return flights;
    }

    private Flight next(IpFamily family) {
        boolean v4 = family == IpFamily.IPV4;
        String elsewhere = any(v4 ? ELSEWHERE : ELSEWHERE_V6);
        String pod = v4 ? PodNetns.ADDRESS : PodNetns.ADDRESS_V6;
        return switch (random.nextInt(9)) {
            case 0, 1 -> new Flight(Sender.POD, probe(elsewhere).as(owner()));
            case 2 ->
                new Flight(
                        Sender.POD, dns(v4 ? RESOLVER : RESOLVER_V6, elsewhere).as(owner()));
            case 3 -> new Flight(Sender.POD, probe(pod).as(owner()));
            case 4 -> new Flight(Sender.POD, probe(v4 ? "127.0.0.1" : "::1").as(owner()));
            case 5 -> passthrough(probe(pod).as(owner()), v4);
            case 6 -> new Flight(Sender.BEYOND, fromAnywhere(probe(pod), elsewhere));
            default -> guest(elsewhere, v4);
        };
    }

    /** As the proxy connects to its application. */
    private static Flight passthrough(Probe probe, boolean v4) {
        return new Flight(Sender.POD, probe.from(v4 ? "127.0.0.6" : "::6"));
    }

    private Probe fromAnywhere(Probe probe, String elsewhere) {
        return random.nextBoolean() ? probe.from(elsewhere) : probe;
    }

    private Flight guest(String elsewhere, boolean v4) {
        String side = v4 ? PodNetns.GUEST_SIDE : PodNetns.GUEST_SIDE_V6;
        return new Flight(Sender.GUEST, probe(random.nextBoolean() ? side : elsewhere));
    }

    private Probe dns(String resolver, String elsewhere) {
        String destination = random.nextInt(4) == 0 ? elsewhere : resolver;
        return random.nextInt(3) == 0 ? Probe.tcp(destination, 53) : Probe.udp(destination, 53);
    }

    private Probe probe(String destination) {
        int port = any(PORTS_BEYOND);
        return random.nextInt(3) == 0 ? Probe.udp(destination, port) : Probe.tcp(destination, port);
    }

    private Owner owner() {
        return random.nextBoolean() ? Owner.APPLICATION : new Owner(any(UIDS), any(GIDS));
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }
}
