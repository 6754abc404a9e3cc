// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static dev.meshcni.rules.ChainNames.INBOUND;
import static dev.meshcni.rules.ChainNames.OUTPUT;
import static dev.meshcni.rules.ChainNames.OUTPUT_DNS;
import static dev.meshcni.rules.ChainNames.PREROUTING;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Match.DestinationPort;
import dev.meshcni.rules.Match.GidOwner;
import dev.meshcni.rules.Match.Protocol;
import dev.meshcni.rules.Match.Source;
import dev.meshcni.rules.Match.SourcePort;
import dev.meshcni.rules.Match.UidOwner;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.Target.CtZone;
import dev.meshcni.rules.Target.Jump;
import dev.meshcni.rules.TransportProtocol;
import java.util.List;

/**
 * Writes the raw table: captured DNS queries are tracked in two zones.
 *
 * <p>The application's query to the resolver is redirected to the agent; the agent then asks the same resolver. In one
 * zone both have the same four numbers when the source ports happen to be equal, and the kernel would take the reply to
 * one for a reply to the other. So what the agent and resolvers exchange is zone 1, what the application and the agent
 * exchange is zone 2.
 */
final class RawRules {
    private static final Match UDP = new Protocol(TransportProtocol.UDP);
    private static final Match TO_DNS = new DestinationPort(DnsCapture.DNS_PORT, false);
    private static final Match FROM_DNS = new SourcePort(DnsCapture.DNS_PORT, false);
    private static final Match FROM_AGENT = new SourcePort(DnsCapture.AGENT_PORT, false);
    private static final Target RESOLVER_ZONE = new CtZone(1);
    private static final Target APPLICATION_ZONE = new CtZone(2);

    private final RedirectParameters parameters;
    private final IpFamily family;
    private final TableDraft table;

    RawRules(RedirectParameters parameters, IpFamily family, RuleBudget budget) {
        this.table = new TableDraft(budget);
        this.parameters = parameters;
        this.family = family;
    }

    List<Chain> chains() {
        if (!parameters.dns().active()) {
            return List.of();
        }
        table.append(OUTPUT, why("DNS traffic is checked"), new Jump(OUTPUT_DNS));
        parameters.proxy().uids().forEach(uid -> agent(new UidOwner(uid, false)));
        parameters.proxy().gids().forEach(gid -> agent(new GidOwner(gid, false)));
        if (Resolvers.captured(parameters.dns(), family)) {
            table.append(PREROUTING, why("DNS replies are checked"), new Jump(INBOUND));
            resolvers();
        }
        return table.chains();
    }

    private void agent(Match owner) {
        table.append(OUTPUT_DNS, why("queries from istio-agent to DNS servers"), RESOLVER_ZONE, UDP, TO_DNS, owner);
        table.append(OUTPUT_DNS, why("replies of istio-agent"), APPLICATION_ZONE, UDP, FROM_AGENT, owner);
    }

    private void resolvers() {
        String queries = why("queries from the application");
        String replies = why("replies from DNS servers to istio-agent");
        if (parameters.dns() instanceof DnsCapture.AllResolvers) {
            table.append(OUTPUT_DNS, queries, APPLICATION_ZONE, UDP, TO_DNS);
            table.append(INBOUND, replies, RESOLVER_ZONE, UDP, FROM_DNS);
        }
        for (Cidr resolver : Resolvers.addresses(parameters.dns(), family)) {
            Match destination = new Match.Destination(resolver, false);
            table.append(OUTPUT_DNS, queries, APPLICATION_ZONE, UDP, TO_DNS, destination);
            table.append(INBOUND, replies, RESOLVER_ZONE, UDP, FROM_DNS, new Source(resolver, false));
        }
    }

    private String why(String purpose) {
        return parameters.why(purpose, Parameter.DNS);
    }
}
