// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static dev.meshcni.rules.ChainNames.INBOUND;
import static dev.meshcni.rules.ChainNames.IN_REDIRECT;
import static dev.meshcni.rules.ChainNames.ISTIO_OUTPUT;
import static dev.meshcni.rules.ChainNames.OUTPUT;
import static dev.meshcni.rules.ChainNames.OUTPUT_DNS;
import static dev.meshcni.rules.ChainNames.PREROUTING;
import static dev.meshcni.rules.ChainNames.REDIRECT;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Match.Destination;
import dev.meshcni.rules.Match.DestinationPort;
import dev.meshcni.rules.Match.DestinationPorts;
import dev.meshcni.rules.Match.GidOwner;
import dev.meshcni.rules.Match.InInterface;
import dev.meshcni.rules.Match.OutInterface;
import dev.meshcni.rules.Match.Protocol;
import dev.meshcni.rules.Match.Source;
import dev.meshcni.rules.Match.UidOwner;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.Target.Jump;
import dev.meshcni.rules.Target.Redirect;
import dev.meshcni.rules.Target.Return;
import dev.meshcni.rules.TransportProtocol;
import java.util.List;

/** Writes the nat table: where connections of the pod begin, and are sent to the proxy. */
final class NatRules {
    private static final Match TCP = new Protocol(TransportProtocol.TCP);
    private static final Match UDP = new Protocol(TransportProtocol.UDP);
    private static final Match TO_LOOPBACK_DEVICE = new OutInterface(InterfaceName.LOOPBACK, false);
    private static final Target RETURN = new Return();

    private final RedirectParameters parameters;
    private final IpFamily family;
    private final PodAddresses addresses;
    private final TableDraft table;

    NatRules(RedirectParameters parameters, IpFamily family, RuleBudget budget) {
        this.table = new TableDraft(budget);
        this.parameters = parameters;
        this.family = family;
        this.addresses = PodAddresses.of(family, parameters);
    }

    List<Chain> chains() {
        excludeInterfaces();
        returnVirtualInterfaces();
        inbound();
        outbound();
        redirectOutbound();
        targets();
        return table.chains();
    }

    private void excludeInterfaces() {
        String origin = why("traffic of this interface bypasses the proxy", Parameter.EXCLUDED_INTERFACES);
        for (InterfaceName name : parameters.interfaces().excluded()) {
            table.append(PREROUTING, origin, RETURN, new InInterface(name, false));
            table.append(OUTPUT, origin, RETURN, new OutInterface(name, false));
        }
    }

    private void returnVirtualInterfaces() {
        String origin = why("traffic from a guest is not inbound traffic of the pod", Parameter.VIRTUAL_INTERFACES);
        for (InterfaceName name : parameters.interfaces().virtual()) {
            table.lead(PREROUTING, origin, RETURN, new InInterface(name, false));
        }
    }

    private void inbound() {
        boolean here = parameters.mode() == InterceptionMode.REDIRECT
                && !parameters.inbound().ports().isNone();
        String origin = why("inbound connections are checked", Parameter.INBOUND_PORTS);
        if (here) {
            table.append(PREROUTING, origin, new Jump(INBOUND), TCP);
        }
        table.append(
                INBOUND,
                why("the proxy itself listens on the tunnel port", Parameter.TUNNEL_PORT),
                RETURN,
                TCP,
                port(parameters.proxy().tunnelPort()));
        if (here) {
            InboundPorts.write(
                    parameters,
                    table,
                    (chain, why, matches) -> table.append(chain, why, new Jump(IN_REDIRECT), matches));
        }
    }

    private void outbound() {
        table.append(OUTPUT, "outbound traffic is checked (always)", new Jump(ISTIO_OUTPUT));
        String origin = why("traffic to this port bypasses the proxy", Parameter.EXCLUDED_OUTBOUND_PORTS);
        for (int port : parameters.outbound().excludedPorts()) {
            table.append(ISTIO_OUTPUT, origin, RETURN, TCP, port(port));
            table.append(ISTIO_OUTPUT, origin, RETURN, UDP, port(port));
        }
        table.append(
                ISTIO_OUTPUT,
                "the proxy connects to the application from this address (always)",
                RETURN,
                TO_LOOPBACK_DEVICE,
                new Source(addresses.passthrough(), false));
        parameters.proxy().uids().forEach(this::proxyUser);
        parameters.proxy().gids().forEach(this::proxyGroup);
        ownerGroups();
        dns();
        String self = "traffic of the pod to itself bypasses the proxy";
        table.append(
                ISTIO_OUTPUT,
                family == IpFamily.IPV4 ? why(self, Parameter.IPV4_LOOPBACK) : self + " (always)",
                RETURN,
                new Destination(addresses.loopback(), false));
    }

    private void proxyUser(long uid) {
        // A query of the agent to a resolver behind a service address must not come back in through the proxy.
        Match notForProxy = parameters.dns().active()
                ? new DestinationPorts(
                        List.of(DnsCapture.DNS_PORT, parameters.proxy().tunnelPort()), true)
                : new DestinationPort(parameters.proxy().tunnelPort(), true);
        proxyOwner(notForProxy, new UidOwner(uid, false), new UidOwner(uid, true), Parameter.PROXY_UIDS);
    }

    private void proxyGroup(long gid) {
        Match notTunnel = new DestinationPort(parameters.proxy().tunnelPort(), true);
        proxyOwner(notTunnel, new GidOwner(gid, false), new GidOwner(gid, true), Parameter.PROXY_GIDS);
    }

    private void proxyOwner(Match ports, Match proxy, Match notProxy, Parameter parameter) {
        table.append(
                ISTIO_OUTPUT,
                why("traffic from the proxy to its own pod is handled as inbound", parameter),
                new Jump(IN_REDIRECT),
                TO_LOOPBACK_DEVICE,
                new Destination(addresses.loopback(), true),
                TCP,
                ports,
                proxy);
        if (!loopbackIncluded()) {
            String origin = why("traffic of the application to itself bypasses the proxy", parameter);
            if (parameters.dns().active()) {
                // A resolver may listen on loopback, and queries to it are to be captured below.
                Match notDns = new DestinationPort(DnsCapture.DNS_PORT, true);
                table.append(ISTIO_OUTPUT, origin, RETURN, TO_LOOPBACK_DEVICE, TCP, notDns, notProxy);
            } else {
                table.append(ISTIO_OUTPUT, origin, RETURN, TO_LOOPBACK_DEVICE, notProxy);
            }
        }
        table.append(ISTIO_OUTPUT, why("traffic of the proxy is never redirected to itself", parameter), RETURN, proxy);
    }

    private boolean loopbackIncluded() {
        return parameters.outbound().cidrs().items().stream()
                .anyMatch(range -> range.address().isLoopbackAddress());
    }

    private void ownerGroups() {
        switch (parameters.outbound().ownerGroups()) {
            case Selection.All<Long> _ -> {
                String origin = why("traffic of this group bypasses the proxy", Parameter.EXCLUDED_OWNER_GROUPS);
                for (long gid : parameters.outbound().excludedOwnerGroups()) {
                    table.append(ISTIO_OUTPUT, origin, RETURN, new GidOwner(gid, false));
                }
            }
            case Selection.Only<Long>(List<Long> gids) -> {
                String origin = why("traffic of all other groups bypasses the proxy", Parameter.OWNER_GROUPS);
                Match[] noneOfThem =
                        gids.stream().map(gid -> new GidOwner(gid, true)).toArray(Match[]::new);
                table.append(ISTIO_OUTPUT, origin, RETURN, noneOfThem);
            }
        }
    }

    private void dns() {
        List<Match> resolvers = Resolvers.destinations(parameters.dns(), family);
        String origin = why("DNS queries go to the DNS proxy of istio-agent", Parameter.DNS);
        if (Resolvers.captured(parameters.dns(), family)) {
            table.append(ISTIO_OUTPUT, origin, new Jump(OUTPUT_DNS));
        }
        Target toAgent = new Redirect(DnsCapture.AGENT_PORT);
        for (Match protocol : List.of(TCP, UDP)) {
            if (parameters.dns() instanceof DnsCapture.AllResolvers) {
                table.append(OUTPUT_DNS, origin, toAgent, protocol, port(DnsCapture.DNS_PORT));
            }
            for (Match resolver : resolvers) {
                table.append(OUTPUT_DNS, origin, toAgent, protocol, port(DnsCapture.DNS_PORT), resolver);
            }
        }
    }

    private void redirectOutbound() {
        for (Cidr range : parameters.outbound().excludedCidrs()) {
            if (range.family() == family) {
                String origin = why("traffic to this range bypasses the proxy", Parameter.EXCLUDED_OUTBOUND_CIDRS);
                table.append(ISTIO_OUTPUT, origin, RETURN, new Destination(range, false));
            }
        }
        for (int port : parameters.outbound().ports()) {
            String origin = why("connections to this port go to the proxy", Parameter.OUTBOUND_PORTS);
            table.append(ISTIO_OUTPUT, origin, new Jump(REDIRECT), TCP, port(port));
        }
        switch (parameters.outbound().cidrs()) {
            case Selection.All<Cidr> _ -> redirectAll();
            case Selection.Only<Cidr>(List<Cidr> ranges) ->
                ranges.stream().filter(range -> range.family() == family).forEach(this::redirectRange);
        }
    }

    private void redirectAll() {
        table.append(
                ISTIO_OUTPUT,
                why("all other outbound connections go to the proxy", Parameter.OUTBOUND_CIDRS),
                new Jump(REDIRECT));
        String origin = why("traffic from a guest goes to the proxy", Parameter.VIRTUAL_INTERFACES);
        for (InterfaceName name : parameters.interfaces().virtual()) {
            table.lead(PREROUTING, origin, new Jump(REDIRECT), new InInterface(name, false));
        }
    }

    private void redirectRange(Cidr range) {
        String guest = why("traffic from a guest to this range goes to the proxy", Parameter.VIRTUAL_INTERFACES);
        Match destination = new Destination(range, false);
        for (InterfaceName name : parameters.interfaces().virtual()) {
            table.lead(PREROUTING, guest, new Jump(REDIRECT), new InInterface(name, false), destination);
        }
        String origin = why("connections to this range go to the proxy", Parameter.OUTBOUND_CIDRS);
        table.append(ISTIO_OUTPUT, origin, new Jump(REDIRECT), destination);
    }

    private void targets() {
        table.append(
                IN_REDIRECT,
                why("the proxy accepts inbound connections here", Parameter.INBOUND_PORT),
                new Redirect(parameters.proxy().inboundPort()),
                TCP);
        table.append(
                REDIRECT,
                why("the proxy accepts outbound connections here", Parameter.PROXY_PORT),
                new Redirect(parameters.proxy().outboundPort()),
                TCP);
    }

    private String why(String purpose, Parameter parameter) {
        return parameters.why(purpose, parameter);
    }

    private static Match port(int port) {
        return new DestinationPort(port, false);
    }
}
