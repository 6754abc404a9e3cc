// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.InterceptionMode;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.redirect.Selection;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is compiled and rendered is what the kernel shows when it is read back, whatever the parameters. */
@NeedsRoot("makes network namespaces")
class KernelRoundTripTest {
    private static final int PLANS = 60;
    private static final long SEED = 1337;

    @ParameterizedTest
    @ValueSource(strings = {"nft", "nft by programs", "legacy", "nftables"})
    void theKernelHoldsWhatWasMeant(String kind) {
        List<String> steps = new ArrayList<>();
        RedirectBackend backend = new RedirectBackendTest.Kind(kind).make(steps::add);
        Random random = new Random(SEED);
        try (TestNetns netns = new TestNetns()) {
            for (int i = 0; i < PLANS; i++) {
                RedirectParameters parameters = parameters(random);
                Set<IpFamily> families = i % 3 == 0 ? EnumSet.of(IpFamily.IPV4) : EnumSet.allOf(IpFamily.class);
                RedirectPlan plan = RuleCompiler.compile(parameters, families);

                Visit.to(backend, netns.path()).apply(plan);

                steps.clear();
                assertThat(Visit.to(backend, netns.path()).differences(plan))
                        .as("seed %d, plan %d: %s", SEED, i, parameters)
                        .isEmpty();
                Visit.to(backend, netns.path()).apply(plan);
                assertThat(steps).isEmpty();
            }
        }
    }

    static RedirectParameters parameters(Random random) {
        return RedirectParameters.builder()
                .mode(random.nextBoolean() ? InterceptionMode.TPROXY : InterceptionMode.REDIRECT)
                .proxyUids(List.of(random.nextLong(1, 0xffff_fffeL), 1337L))
                .proxyGids(List.of(random.nextLong(1, 0xffff_fffeL)))
                .inboundPorts(selection(random, ports(random)))
                .excludedInboundPorts(ports(random))
                .proxyInboundPorts(ports(random))
                .outboundCidrs(selection(random, blocks(random)))
                .excludedOutboundCidrs(blocks(random))
                .outboundPorts(ports(random))
                .excludedOutboundPorts(ports(random))
                .excludedInterfaces(interfaces(random, "net1", "eth0.100"))
                .virtualInterfaces(interfaces(random, "vnet0", "k6t-eth0@x"))
                .dns(dns(random))
                .ownerGroups(selection(random, List.of(201L, 202L)))
                .excludedOwnerGroups(random.nextBoolean() ? List.of(888L, 889L) : List.of())
                .dropInvalid(random.nextBoolean())
                .tproxyMark(random.nextInt(1, Integer.MAX_VALUE - 1))
                .outboundMark(Integer.MAX_VALUE)
                .ipv4Loopback(Cidr.parse(random.nextBoolean() ? "127.0.0.1/32" : "127.0.0.0/8"))
                .build();
    }

    private static List<Integer> ports(Random random) {
        return random.ints(random.nextInt(40), 0, 65_536).boxed().toList();
    }

    /** Overlapping, neighbouring, whole and single ones among them. */
    private static List<Cidr> blocks(Random random) {
        List<Cidr> blocks = new ArrayList<>();
        for (int i = random.nextInt(30); i > 0; i--) {
            byte[] address = new byte[random.nextBoolean() ? 4 : 16];
            random.nextBytes(address);
            address[0] = (byte) (random.nextBoolean() ? 10 : 0x20);
            blocks.add(Cidr.of(address(address), random.nextInt(address.length * 8 + 1)));
        }
        if (random.nextInt(4) == 0) {
            Stream.of("0.0.0.0/0", "::/0", "10.0.0.0/25", "10.0.0.128/25", "127.9.0.0/16", "::127.0.0.1")
                    .map(Cidr::parse)
                    .forEach(blocks::add);
        }
        return blocks;
    }

    private static InetAddress address(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (java.net.UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static List<InterfaceName> interfaces(Random random, String... names) {
        return random.nextBoolean() ? Stream.of(names).map(InterfaceName::new).toList() : List.of();
    }

    private static <T> Selection<T> selection(Random random, List<T> items) {
        return switch (random.nextInt(3)) {
            case 0 -> Selection.all();
            case 1 -> Selection.none();
            default -> Selection.only(items);
        };
    }

    private static DnsCapture dns(Random random) {
        return switch (random.nextInt(3)) {
            case 0 -> new DnsCapture.Off();
            case 1 -> new DnsCapture.AllResolvers();
            default ->
                new DnsCapture.Servers(List.of(
                        InetAddress.ofLiteral("127.0.0.53"),
                        InetAddress.ofLiteral("10.96.0.10"),
                        InetAddress.ofLiteral("fd00::a")));
        };
    }
}
