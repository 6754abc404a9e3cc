// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.InterceptionMode;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.Selection;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Parameters of pods at random, from small pools, so that packets of {@link PacketPool} meet every list from inside and
 * from outside. The same seed gives the same parameters.
 */
final class RandomParameters {
    static final List<Integer> PROXY_PORTS = List.of(15001, 15006, 15008, 15053, 16001, 16006);

    private static final List<Integer> PORTS = List.of(53, 80, 443, 8080, 9090, 15020);
    private static final List<Long> UIDS = List.of(1337L, 2001L);
    private static final List<Long> GIDS = List.of(1337L, 2002L);
    private static final List<Long> GROUPS = List.of(0L, 1000L, 1337L, 3003L);
    private static final List<Cidr> RANGES = List.of(
            Cidr.parse("10.1.0.0/16"),
            Cidr.parse("10.1.2.3/32"),
            Cidr.parse("10.2.0.0/15"),
            Cidr.parse("10.96.0.0/12"),
            Cidr.parse("0.0.0.0/0"),
            Cidr.parse("fd99::/16"),
            Cidr.parse("fd99:1::/32"),
            Cidr.parse("fd98::1/128"),
            Cidr.parse("fd97::/16"));
    private static final List<Cidr> LOOPBACK = List.of(Cidr.parse("127.0.0.1/32"), Cidr.parse("::1/128"));
    private static final InterfaceName UPLINK = new InterfaceName("eth0");
    private static final InterfaceName GUEST = new InterfaceName("net1");

    private final Random random;

    RandomParameters(Random random) {
        this.random = random;
    }

    RedirectParameters next() {
        return RedirectParameters.builder()
                .mode(random.nextBoolean() ? InterceptionMode.REDIRECT : InterceptionMode.TPROXY)
                .proxyPort(mostly(15001, 16001))
                .inboundPort(mostly(15006, 16006))
                .proxyUids(some(UIDS, 1))
                .proxyGids(some(GIDS, 1))
                .inboundPorts(mostly(Selection.all(), selection(PORTS)))
                .excludedInboundPorts(rarely(PORTS))
                .proxyInboundPorts(mostly(List.of(15020, 15021, 15090), List.of()))
                .outboundCidrs(mostly(Selection.all(), ranges()))
                .excludedOutboundCidrs(rarely(RANGES))
                .outboundPorts(rarely(PORTS))
                .excludedOutboundPorts(rarely(PORTS))
                .excludedInterfaces(mostly(List.of(), List.of(oneOf(UPLINK, GUEST))))
                .virtualInterfaces(mostly(List.of(), List.of(GUEST)))
                .dns(dns())
                .ownerGroups(mostly(Selection.all(), selection(GROUPS)))
                .excludedOwnerGroups(rarely(GROUPS))
                .dropInvalid(random.nextBoolean())
                .build();
    }

    private DnsCapture dns() {
        return switch (random.nextInt(3)) {
            case 0 -> new DnsCapture.Off();
            case 1 -> new DnsCapture.AllResolvers();
            default ->
                new DnsCapture.Servers(List.of(
                        InetAddress.ofLiteral(PacketPool.RESOLVER), InetAddress.ofLiteral(PacketPool.RESOLVER_V6)));
        };
    }

    private Selection<Cidr> ranges() {
        List<Cidr> ranges = new ArrayList<>(some(RANGES, 0));
        if (random.nextInt(4) == 0) {
            ranges.addAll(LOOPBACK);
        }
        return Selection.only(ranges);
    }

    private <T> Selection<T> selection(List<T> pool) {
        return Selection.only(some(pool, 0));
    }

    private <T> List<T> rarely(List<T> pool) {
        return random.nextInt(3) == 0 ? some(pool, 1) : List.of();
    }

    private <T> List<T> some(List<T> pool, int atLeast) {
        List<T> shuffled = new ArrayList<>(pool);
        Collections.shuffle(shuffled, random);
        return List.copyOf(shuffled.subList(0, atLeast + random.nextInt(pool.size() - atLeast + 1)));
    }

    private <T> T mostly(T often, T seldom) {
        return random.nextInt(3) == 0 ? seldom : often;
    }

    private <T> T oneOf(T first, T second) {
        return random.nextBoolean() ? first : second;
    }
}
