// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.netfilter.IptablesRenderer;
import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.InterceptionMode;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.redirect.Selection;
import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What holds for every pod, however hostile, and for every parameter set. */
class EnginePropertiesTest {
    private static final List<String> ANNOTATIONS = List.of(
            AnnotationParser.INTERCEPTION_MODE,
            AnnotationParser.INCLUDE_OUTBOUND_CIDRS,
            AnnotationParser.EXCLUDE_OUTBOUND_CIDRS,
            AnnotationParser.INCLUDE_INBOUND_PORTS,
            AnnotationParser.EXCLUDE_INBOUND_PORTS,
            AnnotationParser.INCLUDE_OUTBOUND_PORTS,
            AnnotationParser.EXCLUDE_OUTBOUND_PORTS,
            AnnotationParser.EXCLUDE_INTERFACES,
            AnnotationParser.KUBEVIRT_INTERFACES,
            AnnotationParser.VIRTUAL_INTERFACES);
    private static final List<String> FRAGMENTS = List.of(
            "80",
            "65535",
            "65536",
            "-1",
            "*",
            ",",
            ",,",
            " ",
            "\n",
            "\t",
            "\0",
            "10.0.0.0/8",
            "::/0",
            "0.0.0.0/0",
            "2001:db8::1",
            "127.0.0.1/8",
            "eth0",
            "net1.5",
            "-j ACCEPT",
            "\nCOMMIT\n*filter\n",
            "; rm -rf /",
            "$(id)",
            "`id`",
            "\"",
            "'",
            "\\",
            "!",
            "%eth0",
            "/",
            "..",
            "\u202e",
            "\ud83d\ude00",
            "\uff18\uff10",
            "0x50",
            "1e9",
            "TPROXY",
            "REDIRECT",
            "-A OUTPUT",
            "#",
            "{",
            "}",
            "9".repeat(40),
            "a".repeat(300),
            ":",
            "1".repeat(15));

    @Provide
    Arbitrary<String> hostile() {
        return Arbitraries.oneOf(
                Arbitraries.of(FRAGMENTS).list().ofMinSize(0).ofMaxSize(8).map(parts -> String.join("", parts)),
                Arbitraries.of(FRAGMENTS).list().ofMinSize(1).ofMaxSize(8).map(parts -> String.join(",", parts)),
                Arbitraries.strings().ofMaxLength(40));
    }

    @Provide
    Arbitrary<String> annotation() {
        return Arbitraries.of(ANNOTATIONS);
    }

    @Property(tries = 10_000)
    void anAnnotationIsRejectedByNameOrGivesOnlyTypedValues(
            @ForAll("annotation") String name, @ForAll("hostile") String value) {
        RedirectParameters parameters;
        try {
            parameters = AnnotationParser.parse(Pods.injected(Map.of(name, value), Map.of()));
        } catch (InvalidParameterException e) {
            assertThat(e.parameter()).isEqualTo("annotation " + name);
            assertThat(e.value()).isEqualTo(value);
            assertThat(e.getMessage()).contains(name).matches("[ -~]+").hasSizeLessThan(600);
            return;
        }
        RedirectPlan plan = RuleCompiler.compile(parameters, EnumSet.allOf(IpFamily.class));
        assertThat(TreeRenderer.render(plan)).matches("[ -~\n│├└─→]+");
        assertThat(JsonRenderer.render(plan)).doesNotContain("\\");
        plan.ruleSets().forEach(EnginePropertiesTest::hasOneLineForEachRule);
    }

    /** A rules file has a line for each rule, each chain of ours, and two for each table: a value cannot add one. */
    private static void hasOneLineForEachRule(RuleSet rules) {
        int frame = rules.tables().values().stream()
                .mapToInt(chains -> 2
                        + (int) chains.stream()
                                .filter(chain -> !chain.builtIn())
                                .count())
                .sum();
        String file = IptablesRenderer.render(rules);
        assertThat(file.lines()).hasSize(rules.ruleCount() + frame);
        assertThat(file.lines())
                .allMatch(line ->
                        line.matches("[*:](raw|mangle|nat|ISTIO_[A-Z_]+ - \\[0:0])|COMMIT|-[AI] [A-Z_]+ [ -~]+"));
        assertThat(file).matches("[-A-Za-z0-9_*:\\[\\] !/.,@\n]+");
    }

    @Property(tries = 2_000)
    void everyVariableOfTheProxyIsRejectedByNameOrTyped(
            @ForAll("variable") String name, @ForAll("hostile") String value) {
        try {
            RedirectParameters parameters = AnnotationParser.parse(Pods.injected(Map.of(), Map.of(name, value)));
            assertThat(RuleCompiler.compile(parameters, EnumSet.allOf(IpFamily.class))
                            .ruleSets())
                    .hasSize(2);
        } catch (InvalidParameterException e) {
            assertThat(e.parameter()).isEqualTo("variable " + name + " of istio-proxy");
        }
    }

    @Provide
    Arbitrary<String> variable() {
        return Arbitraries.of(
                AnnotationParser.DNS_CAPTURE,
                AnnotationParser.DUAL_STACK,
                AnnotationParser.INVALID_DROP,
                AnnotationParser.OWNER_GROUPS,
                AnnotationParser.EXCLUDED_OWNER_GROUPS,
                AnnotationParser.IPV4_LOOPBACK);
    }

    @Provide
    Arbitrary<RedirectParameters> parameters() {
        return Arbitraries.randomValue(RandomParameters::next);
    }

    @Property(tries = 1_000)
    void everyJumpLeadsToAChainThatHasRules(@ForAll("parameters") RedirectParameters parameters) {
        for (RuleSet rules :
                RuleCompiler.compile(parameters, EnumSet.allOf(IpFamily.class)).ruleSets()) {
            rules.tables()
                    .forEach((table, chains) -> assertThat(chains.stream().flatMap(EnginePropertiesTest::jumps))
                            .allSatisfy(name -> assertThat(rules.chain(table, name))
                                    .hasValueSatisfying(
                                            chain -> assertThat(chain.rules()).isNotEmpty())));
        }
    }

    @Property(tries = 1_000)
    void everyRuleSaysWhy(@ForAll("parameters") RedirectParameters parameters) {
        for (RuleSet rules :
                RuleCompiler.compile(parameters, EnumSet.allOf(IpFamily.class)).ruleSets()) {
            rules.tables().values().stream()
                    .flatMap(List::stream)
                    .flatMap(chain -> chain.rules().stream())
                    .forEach(rule -> assertThat(rule.origin()).matches(".+ \\(.+\\)"));
        }
    }

    @Property(tries = 2_000)
    void noTraceSendsTheProxysOutboundTrafficBackToIt(
            @ForAll("parameters") RedirectParameters parameters, @ForAll Random random) {
        RedirectPlan plan = RuleCompiler.compile(parameters, EnumSet.allOf(IpFamily.class));
        PodNetwork network = PodNetwork.standIn();
        InetAddress outside = InetAddress.ofLiteral(random.nextBoolean() ? "10.1.2.3" : "2001:db8:5::1");
        TransportProtocol protocol = random.nextBoolean() ? TransportProtocol.TCP : TransportProtocol.UDP;
        Packet packet = Packet.first(protocol, network.sourceFor(outside), outside, random.nextInt(65_536))
                .sentBy(parameters.proxy().uids().getFirst(), 12_345);

        assertThat(PacketTrace.sent(plan, network, packet).verdict()).isEqualTo(new PacketTrace.Verdict.Untouched());
    }

    @Property(tries = 2_000)
    void everyTraceEndsAndCanBeExplained(@ForAll("parameters") RedirectParameters parameters, @ForAll Random random) {
        RedirectPlan plan = RuleCompiler.compile(parameters, EnumSet.allOf(IpFamily.class));
        PodNetwork network = PodNetwork.standIn();
        ConnectionState[] states = ConnectionState.values();
        InetAddress pod = network.primary(random.nextBoolean() ? IpFamily.IPV4 : IpFamily.IPV6);
        Packet packet = Packet.first(TransportProtocol.TCP, pod, pod, random.nextInt(65_536))
                .sentBy(random.nextInt(3), random.nextInt(3))
                .marked(random.nextInt(1336, 1340), random.nextInt(1336, 1340))
                .inState(states[random.nextInt(states.length)]);

        PacketTrace sent = PacketTrace.sent(plan, network, packet);
        PacketTrace received = PacketTrace.received(plan, network, network.device(), packet);

        assertThat(PacketExplanation.of(sent).text()).isNotBlank();
        assertThat(PacketExplanation.of(received).text()).isNotBlank();
    }

    private static Stream<String> jumps(Chain chain) {
        return chain.rules().stream()
                .map(Rule::target)
                .filter(Target.Jump.class::isInstance)
                .map(target -> ((Target.Jump) target).chain());
    }

    /** Parameters of every kind, drawn at random. */
    private static final class RandomParameters {
        private static final List<Cidr> RANGES = Stream.of("10.0.0.0/8", "127.1.0.0/16", "2001:db8::/32", "::1/128")
                .map(Cidr::parse)
                .toList();

        static RedirectParameters next(Random random) {
            return RedirectParameters.builder()
                    .mode(random.nextBoolean() ? InterceptionMode.TPROXY : InterceptionMode.REDIRECT)
                    .proxyUids(List.of(random.nextLong(1, 3), 1337L))
                    .proxyGids(List.of(random.nextLong(1, 3)))
                    .inboundPorts(selection(random, ports(random)))
                    .excludedInboundPorts(ports(random))
                    .proxyInboundPorts(ports(random))
                    .outboundCidrs(selection(random, RANGES))
                    .excludedOutboundCidrs(random.nextBoolean() ? RANGES : List.of())
                    .outboundPorts(ports(random))
                    .excludedOutboundPorts(ports(random))
                    .excludedInterfaces(random.nextBoolean() ? List.of(new InterfaceName("net1")) : List.of())
                    .virtualInterfaces(random.nextBoolean() ? List.of(new InterfaceName("vnet0")) : List.of())
                    .dns(dns(random))
                    .ownerGroups(selection(random, List.of(201L, 202L)))
                    .excludedOwnerGroups(random.nextBoolean() ? List.of(888L) : List.of())
                    .dropInvalid(random.nextBoolean())
                    .build();
        }

        private static List<Integer> ports(Random random) {
            return random.ints(random.nextInt(4), 0, 65_536).boxed().toList();
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
                default -> new DnsCapture.Servers(List.of(InetAddress.ofLiteral("127.0.0.53")));
            };
        }
    }
}
