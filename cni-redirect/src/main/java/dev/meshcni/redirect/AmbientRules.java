// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static dev.meshcni.rules.ChainNames.ISTIO_OUTPUT;
import static dev.meshcni.rules.ChainNames.ISTIO_PREROUTING;
import static dev.meshcni.rules.ChainNames.OUTPUT;
import static dev.meshcni.rules.ChainNames.PREROUTING;

import dev.meshcni.redirect.RedirectPlan.TproxyRouting;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Match.ConnectionMark;
import dev.meshcni.rules.Match.Destination;
import dev.meshcni.rules.Match.DestinationPort;
import dev.meshcni.rules.Match.InInterface;
import dev.meshcni.rules.Match.OutInterface;
import dev.meshcni.rules.Match.PacketMark;
import dev.meshcni.rules.Match.Protocol;
import dev.meshcni.rules.Match.Source;
import dev.meshcni.rules.Match.SourcePort;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target.Accept;
import dev.meshcni.rules.Target.CtZone;
import dev.meshcni.rules.Target.Jump;
import dev.meshcni.rules.Target.Redirect;
import dev.meshcni.rules.Target.RestoreMark;
import dev.meshcni.rules.Target.Return;
import dev.meshcni.rules.Target.SetConnectionMark;
import dev.meshcni.rules.TransportProtocol;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The rules of an ambient pod, which lead its traffic to listeners that the node's ztunnel has in the pod's namespace:
 * same chains, same rules, same order as Istio's node agent writes.
 *
 * <p>All sockets of ztunnel mark their packets with {@link #ZTUNNEL}, which keeps them from being captured again:
 *
 * <ul>
 *   <li>application → REDIRECT 15001 → ztunnel, marked → peer, port 15008
 *   <li>peer → port 15008, or anything else → REDIRECT 15006 → ztunnel, marked → application, from the client's address
 *   <li>application → client's address: the connection's mark {@link #TO_APPLICATION} is put on the answer, and the
 *       routing rule delivers it to ztunnel, not to the client
 *   <li>kubelet, from an address of its own → application
 * </ul>
 */
public final class AmbientRules {
    /** The mark of packets that ztunnel sends; 1337. */
    public static final Mark ZTUNNEL = new Mark(0x539, 0xfff);

    /** The mark of connections that ztunnel opens to the application. */
    public static final Mark TO_APPLICATION = new Mark(0x111, 0xfff);

    /** The routing that delivers the application's answers to ztunnel. */
    public static final TproxyRouting ROUTING = new TproxyRouting(TO_APPLICATION, 100, 32_764);

    /** Where ztunnel accepts outbound connections. */
    public static final int OUTBOUND_PORT = 15_001;

    /** Where ztunnel accepts inbound connections in plain text. */
    public static final int INBOUND_PORT = 15_006;

    /** Where ztunnel accepts tunnels (HBONE). */
    public static final int TUNNEL_PORT = 15_008;

    private static final String ALWAYS = "always";
    private static final Match TCP = new Protocol(TransportProtocol.TCP);
    private static final Match UDP = new Protocol(TransportProtocol.UDP);
    private static final Match FROM_ZTUNNEL = new PacketMark(ZTUNNEL, false);
    private static final Match NOT_FROM_ZTUNNEL = new PacketMark(ZTUNNEL, true);
    private static final Match TO_DNS = new DestinationPort(DnsCapture.DNS_PORT, false);

    private final AmbientOptions options;
    private final Match toProbes;
    private final Match fromProbes;
    private final Match notLoopback;

    private AmbientRules(AmbientOptions options, IpFamily family) {
        this.options = options;
        Cidr probe = options.node().probe(family);
        this.toProbes = new Destination(probe, false);
        this.fromProbes = new Source(probe, false);
        this.notLoopback = new Destination(
                Cidr.parse(
                        switch (family) {
                            case IPV4 -> "127.0.0.1/32";
                            case IPV6 -> "::1/128";
                        }),
                true);
    }

    /**
     * The plan for a pod.
     *
     * @param options what the pod and its node ask for
     * @param families the families to redirect, at least one
     */
    public static RedirectPlan compile(AmbientOptions options, Set<IpFamily> families) {
        if (families.isEmpty()) {
            throw new IllegalArgumentException("no address family to redirect");
        }
        List<RuleSet> ruleSets = Stream.of(IpFamily.values())
                .filter(families::contains)
                .map(family -> new RuleSet(family, new AmbientRules(options, family).tables()))
                .toList();
        return new RedirectPlan(ruleSets, List.of(), Optional.of(ROUTING));
    }

    /**
     * The plans that a pod with these addresses may have, the one for the families of its addresses first. Istio's node
     * agent writes rules of both families into every pod, whatever addresses it has, and they do no harm there.
     *
     * @param options what the pod and its node ask for
     * @param addresses the pod's addresses
     */
    public static List<RedirectPlan> acceptable(AmbientOptions options, List<InetAddress> addresses) {
        List<InetAddress> redirected = addresses.stream()
                .filter(address -> options.node().ipv6() || address instanceof Inet4Address)
                .toList();
        Set<IpFamily> families = IpFamilies.choose(redirected, true).families();
        return Stream.of(families, EnumSet.allOf(IpFamily.class))
                .distinct()
                .map(candidate -> compile(options, candidate))
                .toList();
    }

    /**
     * The differences of a pod from the first of several plans; none if it is as one of them says.
     *
     * @param plans as {@link #acceptable} gives them
     * @param differences the differences from a plan
     */
    public static List<RuleDifference> differences(
            List<RedirectPlan> plans, Function<RedirectPlan, List<RuleDifference>> differences) {
        List<RuleDifference> first = differences.apply(plans.getFirst());
        boolean asPlanned = first.isEmpty()
                || plans.stream()
                        .skip(1)
                        .anyMatch(plan -> differences.apply(plan).isEmpty());
        return asPlanned ? List.of() : first;
    }

    private Map<Table, List<Chain>> tables() {
        Map<Table, List<Chain>> tables = new EnumMap<>(Table.class);
        tables.put(Table.RAW, options.dnsCapture() ? raw() : List.of());
        tables.put(Table.MANGLE, mangle());
        tables.put(Table.NAT, nat());
        return tables;
    }

    /** What ztunnel asks resolvers is tracked apart from what the application asks, which may have the same ports. */
    private List<Chain> raw() {
        TableDraft table = hooks();
        table.append(
                ISTIO_OUTPUT,
                dns("queries of ztunnel to resolvers are tracked in a zone of their own"),
                new CtZone(1),
                UDP,
                FROM_ZTUNNEL,
                TO_DNS);
        table.append(
                ISTIO_PREROUTING,
                dns("answers of resolvers are tracked in the same zone"),
                new CtZone(1),
                UDP,
                NOT_FROM_ZTUNNEL,
                new SourcePort(DnsCapture.DNS_PORT, false));
        return table.chains();
    }

    private List<Chain> mangle() {
        TableDraft table = hooks();
        table.append(
                ISTIO_PREROUTING,
                always("connections of ztunnel to the application are marked"),
                new SetConnectionMark(TO_APPLICATION),
                FROM_ZTUNNEL);
        table.append(
                ISTIO_OUTPUT,
                always("answers of the application are routed back to ztunnel by this mark"),
                new RestoreMark(),
                new ConnectionMark(TO_APPLICATION, false));
        return table.chains();
    }

    private List<Chain> nat() {
        TableDraft table = hooks();
        for (InterfaceName name : options.virtualInterfaces()) {
            String origin = because("traffic from a guest goes to ztunnel", AnnotationParser.VIRTUAL_INTERFACES);
            Match guest = new InInterface(name, false);
            table.append(ISTIO_PREROUTING, origin, new Redirect(OUTBOUND_PORT), guest, TCP);
            table.append(ISTIO_PREROUTING, origin, new Return(), guest, TCP);
        }
        inbound(table);
        outbound(table);
        return table.chains();
    }

    private void inbound(TableDraft table) {
        String probes = always("probes of the kubelet, which come from this address, go to the application");
        if (!options.inboundBypassed()) {
            table.append(ISTIO_PREROUTING, probes, new Accept(), fromProbes, TCP);
        }
        table.append(ISTIO_OUTPUT, probes, new Accept(), toProbes, TCP);
        if (!options.inboundBypassed()) {
            table.append(
                    ISTIO_PREROUTING,
                    always("ztunnel accepts inbound connections here, except tunnels to port " + TUNNEL_PORT),
                    new Redirect(INBOUND_PORT),
                    notLoopback,
                    TCP,
                    new DestinationPort(TUNNEL_PORT, true),
                    NOT_FROM_ZTUNNEL);
        }
    }

    private void outbound(TableDraft table) {
        if (options.dnsCapture()) {
            String origin = dns("ztunnel answers DNS queries here");
            table.append(
                    ISTIO_OUTPUT,
                    origin,
                    new Redirect(DnsCapture.AGENT_PORT),
                    new OutInterface(InterfaceName.LOOPBACK, true),
                    UDP,
                    NOT_FROM_ZTUNNEL,
                    TO_DNS);
            table.append(
                    ISTIO_OUTPUT,
                    origin,
                    new Redirect(DnsCapture.AGENT_PORT),
                    notLoopback,
                    TCP,
                    TO_DNS,
                    NOT_FROM_ZTUNNEL);
        }
        table.append(
                ISTIO_OUTPUT,
                always("answers to connections of ztunnel are left alone"),
                new Accept(),
                TCP,
                new PacketMark(TO_APPLICATION, false));
        table.append(
                ISTIO_OUTPUT,
                always("traffic of the pod to itself bypasses ztunnel"),
                new Accept(),
                notLoopback,
                new OutInterface(InterfaceName.LOOPBACK, false));
        table.append(
                ISTIO_OUTPUT,
                always("ztunnel accepts outbound connections here"),
                new Redirect(OUTBOUND_PORT),
                notLoopback,
                TCP,
                NOT_FROM_ZTUNNEL);
    }

    /** A table in which packets of both directions go through a chain of ours, even if that has no rules. */
    private static TableDraft hooks() {
        TableDraft table = new TableDraft();
        table.append(PREROUTING, always("inbound traffic is checked"), new Jump(ISTIO_PREROUTING));
        table.append(OUTPUT, always("outbound traffic is checked"), new Jump(ISTIO_OUTPUT));
        table.open(ISTIO_PREROUTING);
        table.open(ISTIO_OUTPUT);
        return table;
    }

    private String dns(String purpose) {
        return purpose + " (" + options.dnsOrigin() + ")";
    }

    private static String because(String purpose, String annotation) {
        return purpose + " (annotation " + annotation + ")";
    }

    private static String always(String purpose) {
        return purpose + " (" + ALWAYS + ")";
    }
}
