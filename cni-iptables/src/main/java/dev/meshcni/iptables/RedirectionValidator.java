// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.iptables.TrafficFinding.Result;
import dev.meshcni.iptables.TrafficFinding.Traffic;
import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.TransportProtocol;
import dev.meshcni.trace.Packet;
import dev.meshcni.trace.PacketTrace;
import dev.meshcni.trace.PodNetwork;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Finds out, from inside a pod, whether its traffic is redirected: listens in place of the proxy and of istio-agent,
 * sends probes, and looks where they arrive.
 *
 * <p>Probes go to addresses of the pod alone, so that they do no harm where the rules are missing. The rules treat such
 * packets specially, and a {@link PacketTrace} of the rules that should be there tells which packet of which user shows
 * what. From inside a pod, nothing can be sent that the kernel takes for arriving: nat decides about a packet of the
 * pod to itself when it leaves. So whether inbound traffic is redirected is read from the kernel, where this process
 * may.
 */
final class RedirectionValidator {
    private static final InetAddress IPV4_LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
    private static final InetAddress IPV4_PASSTHROUGH = InetAddress.ofLiteral("127.0.0.6");
    private static final InetAddress IPV6_LOOPBACK = InetAddress.ofLiteral("::1");
    private static final InetAddress IPV6_PASSTHROUGH = InetAddress.ofLiteral("::6");

    private final RedirectParameters parameters;
    private final RedirectPlan plan;
    private final PodNetwork network;
    private final ProcessRights rights;
    private final int probePort;
    private final ProbeSender sender;

    /**
     * @param parameters what the pod asks for
     * @param plan what follows from it for the families of the pod
     * @param addresses the pod's addresses
     * @param rights who sends the probes
     * @param probePort the port that they are sent to, unless they are DNS queries
     * @param sender sends them
     */
    RedirectionValidator(
            RedirectParameters parameters,
            RedirectPlan plan,
            List<InetAddress> addresses,
            ProcessRights rights,
            int probePort,
            ProbeSender sender) {
        this.parameters = requireNonNull(parameters, "parameters is null");
        this.plan = requireNonNull(plan, "plan is null");
        List<InetAddress> local = new ArrayList<>(addresses);
        plan.localAddresses().forEach(address -> local.add(address.address()));
        this.network = new PodNetwork(new InterfaceName("eth0"), local);
        this.rights = requireNonNull(rights, "rights is null");
        this.probePort = probePort;
        this.sender = requireNonNull(sender, "sender is null");
    }

    /**
     * Validates all traffic that should be redirected.
     *
     * @param differences what differs between the kernel's rules and the plan; only asked where this process may read
     *     them
     */
    List<TrafficFinding> validate(Supplier<List<RuleDifference>> differences) throws InterruptedException {
        List<TrafficFinding> findings = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            if (plan.families().contains(family)) {
                findings.add(outbound(family));
                if (!parameters.inbound().ports().isNone()) {
                    findings.add(inbound(family, differences));
                }
                if (isDnsCaptured(family)) {
                    findings.add(dns(Traffic.DNS_OVER_UDP, TransportProtocol.UDP, family));
                    findings.add(dns(Traffic.DNS_OVER_TCP, TransportProtocol.TCP, family));
                }
            }
        }
        return findings;
    }

    /** The proxy's connection to its own pod is what the rules for outbound traffic redirect on the loopback device. */
    private TrafficFinding outbound(IpFamily family) throws InterruptedException {
        InetAddress target = family == IpFamily.IPV4 ? IPV4_PASSTHROUGH : IPV6_PASSTHROUGH;
        if (!sender.isLocal(target)) {
            return new TrafficFinding(
                    Traffic.OUTBOUND,
                    family,
                    Result.NOT_REDIRECTED,
                    "address " + Probe.text(target) + ", which is set up with the rules, is missing on lo");
        }
        long uid = parameters.proxy().uids().contains(rights.uid())
                ? rights.uid()
                : parameters.proxy().uids().getFirst();
        return probe(Traffic.OUTBOUND, family, TransportProtocol.TCP, uid, target, probePort)
                .orElse(new TrafficFinding(
                        Traffic.OUTBOUND,
                        family,
                        Result.NOT_TESTED,
                        "it takes a connection of user "
                                + parameters.proxy().uids().getFirst()
                                + " to this pod itself: run this as that user, or as root"));
    }

    private TrafficFinding inbound(IpFamily family, Supplier<List<RuleDifference>> differences) {
        if (!rights.canReadRules()) {
            return new TrafficFinding(
                    Traffic.INBOUND,
                    family,
                    Result.NOT_TESTED,
                    "it cannot be tested from inside the pod, and reading the rules requires the capability NET_ADMIN");
        }
        try {
            return differences.get().stream()
                    .filter(difference -> difference.kind() != RuleDifference.Kind.UNEXPECTED)
                    .filter(difference -> concernsArriving(family, difference))
                    .findFirst()
                    .map(difference -> new TrafficFinding(
                            Traffic.INBOUND,
                            family,
                            Result.NOT_REDIRECTED,
                            "according to the kernel's rules, " + difference))
                    .orElse(new TrafficFinding(
                            Traffic.INBOUND,
                            family,
                            Result.REDIRECTED,
                            "according to the kernel, all rules for inbound traffic are present"));
        } catch (RedirectException e) {
            return new TrafficFinding(
                    Traffic.INBOUND, family, Result.NOT_TESTED, "the rules cannot be read: " + e.getMessage());
        }
    }

    /** The jump from PREROUTING, whatever the backend calls that chain, or the table that should hold it. */
    private static boolean concernsArriving(IpFamily family, RuleDifference difference) {
        String text = (difference.place() + " " + difference.detail()).toLowerCase(Locale.ROOT);
        return text.startsWith(family.label() + " ")
                && (text.contains("prerouting") || difference.detail().startsWith("table "));
    }

    private TrafficFinding dns(Traffic traffic, TransportProtocol protocol, IpFamily family)
            throws InterruptedException {
        long uid = parameters.proxy().uids().contains(rights.uid()) && rights.canBecomeOthers()
                ? someOtherUser()
                : rights.uid();
        for (InetAddress resolver : localResolvers(family)) {
            Optional<TrafficFinding> finding = probe(traffic, family, protocol, uid, resolver, DnsCapture.DNS_PORT);
            if (finding.isPresent()) {
                return finding.get();
            }
        }
        return new TrafficFinding(
                traffic,
                family,
                Result.NOT_TESTED,
                "queries of user " + uid + " to addresses of this pod are not subject to redirection");
    }

    /** Sends a packet if it should be redirected; empty if it would show nothing. */
    private Optional<TrafficFinding> probe(
            Traffic traffic, IpFamily family, TransportProtocol protocol, long uid, InetAddress target, int port)
            throws InterruptedException {
        if (uid != rights.uid() && !rights.canBecomeOthers()) {
            return Optional.empty();
        }
        long gid = uid == rights.uid() ? rights.gid() : uid;
        InetAddress source = family == IpFamily.IPV4 ? IPV4_LOOPBACK : IPV6_LOOPBACK;
        PacketTrace trace = PacketTrace.sent(
                plan, network, Packet.first(protocol, source, target, port).sentBy(uid, gid));
        if (!(trace.verdict() instanceof PacketTrace.Verdict.Redirected(int expected))) {
            return Optional.empty();
        }
        Probe probe = new Probe(protocol, uid, gid, source, target, port, expected);
        ProbeSender.Arrival arrival = sender.send(probe);
        return Optional.of(
                arrival.port() == expected
                        ? new TrafficFinding(traffic, family, Result.REDIRECTED, probe + " arrived at port " + expected)
                        : new TrafficFinding(
                                traffic, family, Result.NOT_REDIRECTED, probe + " " + arrival.description()));
    }

    private boolean isDnsCaptured(IpFamily family) {
        return switch (parameters.dns()) {
            case DnsCapture.Off _ -> false;
            case DnsCapture.AllResolvers _ -> true;
            case DnsCapture.Servers(List<InetAddress> servers) ->
                servers.stream().anyMatch(server -> isOf(family, server));
        };
    }

    private List<InetAddress> localResolvers(IpFamily family) {
        return switch (parameters.dns()) {
            case DnsCapture.Off _ -> List.of();
            case DnsCapture.AllResolvers _ -> List.of(family == IpFamily.IPV4 ? IPV4_LOOPBACK : IPV6_LOOPBACK);
            case DnsCapture.Servers(List<InetAddress> servers) ->
                servers.stream()
                        .filter(server -> isOf(family, server) && sender.isLocal(server))
                        .toList();
        };
    }

    private long someOtherUser() {
        long uid = 0;
        while (parameters.proxy().uids().contains(uid)
                || parameters.proxy().gids().contains(uid)) {
            uid++;
        }
        return uid;
    }

    private static boolean isOf(IpFamily family, InetAddress address) {
        return address.getAddress().length * 8 == family.addressBits();
    }
}
