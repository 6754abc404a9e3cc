// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static dev.meshcni.rules.ChainNames.DIVERT;
import static dev.meshcni.rules.ChainNames.DROP;
import static dev.meshcni.rules.ChainNames.INBOUND;
import static dev.meshcni.rules.ChainNames.OUTPUT;
import static dev.meshcni.rules.ChainNames.PREROUTING;
import static dev.meshcni.rules.ChainNames.TPROXY;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Match.ConnState;
import dev.meshcni.rules.Match.ConnectionMark;
import dev.meshcni.rules.Match.Destination;
import dev.meshcni.rules.Match.GidOwner;
import dev.meshcni.rules.Match.InInterface;
import dev.meshcni.rules.Match.OutInterface;
import dev.meshcni.rules.Match.PacketMark;
import dev.meshcni.rules.Match.Protocol;
import dev.meshcni.rules.Match.Source;
import dev.meshcni.rules.Match.UidOwner;
import dev.meshcni.rules.Target.Accept;
import dev.meshcni.rules.Target.Drop;
import dev.meshcni.rules.Target.Jump;
import dev.meshcni.rules.Target.RestoreMark;
import dev.meshcni.rules.Target.Return;
import dev.meshcni.rules.Target.SaveMark;
import dev.meshcni.rules.Target.SetMark;
import dev.meshcni.rules.Target.Tproxy;
import dev.meshcni.rules.TransportProtocol;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Writes the mangle table: invalid packets, and inbound traffic in TPROXY mode, which keeps its addresses. */
final class MangleRules {
    private static final Match TCP = new Protocol(TransportProtocol.TCP);
    private static final Match TO_LOOPBACK_DEVICE = new OutInterface(InterfaceName.LOOPBACK, false);
    private static final Match FROM_LOOPBACK_DEVICE = new InInterface(InterfaceName.LOOPBACK, false);
    private static final Match KNOWN_CONNECTION =
            new ConnState(Set.of(ConnectionState.RELATED, ConnectionState.ESTABLISHED));

    private final RedirectParameters parameters;
    private final PodAddresses addresses;
    private final Match proxyMark;
    private final TableDraft table;

    MangleRules(RedirectParameters parameters, IpFamily family, RuleBudget budget) {
        this.table = new TableDraft(budget);
        this.parameters = parameters;
        this.addresses = PodAddresses.of(family, parameters);
        this.proxyMark = new PacketMark(parameters.tproxy().mark(), false);
    }

    List<Chain> chains() {
        boolean tproxy = parameters.mode() == InterceptionMode.TPROXY;
        if (tproxy) {
            excludeInterfaces();
        }
        if (parameters.inbound().dropInvalid()) {
            dropInvalid();
        }
        if (tproxy) {
            leaveAlone();
            if (!parameters.inbound().ports().isNone()) {
                inbound();
            }
            marks();
        }
        return table.chains();
    }

    private void excludeInterfaces() {
        String origin = why("traffic of this interface bypasses the proxy", Parameter.EXCLUDED_INTERFACES);
        for (InterfaceName name : parameters.interfaces().excluded()) {
            table.append(PREROUTING, origin, new Return(), new InInterface(name, false));
            table.append(OUTPUT, origin, new Return(), new OutInterface(name, false));
        }
    }

    private void dropInvalid() {
        String origin = why("packets in conntrack state INVALID are dropped", Parameter.DROP_INVALID);
        Match invalid = new ConnState(Set.of(ConnectionState.INVALID));
        table.append(PREROUTING, origin, new Jump(DROP), invalid);
        table.append(DROP, origin, new Drop());
    }

    /** Traffic on the loopback device is inbound only if the proxy sent it to its own pod's address, with the mark. */
    private void leaveAlone() {
        table.append(
                INBOUND,
                why("packet was already handled by the proxy", Parameter.TPROXY_MARK),
                new Return(),
                TCP,
                proxyMark);
        table.append(
                INBOUND,
                "the proxy connects to the application from this address (always)",
                new Return(),
                TCP,
                new Source(addresses.passthrough(), false),
                FROM_LOOPBACK_DEVICE);
        table.append(
                INBOUND,
                why("traffic of the application to itself bypasses the proxy", Parameter.OUTBOUND_MARK),
                new Return(),
                TCP,
                FROM_LOOPBACK_DEVICE,
                new PacketMark(parameters.tproxy().outboundMark(), true));
    }

    private void inbound() {
        table.append(
                PREROUTING, why("inbound connections are checked", Parameter.INBOUND_PORTS), new Jump(INBOUND), TCP);
        InboundPorts.write(parameters, table, (chain, origin, matches) -> {
            Match[] known = Stream.concat(Arrays.stream(matches), Stream.of(KNOWN_CONNECTION))
                    .toArray(Match[]::new);
            table.append(chain, origin, new Jump(DIVERT), known);
            table.append(chain, origin, new Jump(TPROXY), matches);
        });
        table.append(
                DIVERT,
                why("the mark routes the packet to the local proxy", Parameter.TPROXY_MARK),
                new SetMark(parameters.tproxy().mark()));
        table.append(DIVERT, why("marked packet is accepted", Parameter.MODE), new Accept());
        table.append(
                TPROXY,
                why("the proxy accepts inbound connections here", Parameter.INBOUND_PORT),
                new Tproxy(parameters.proxy().inboundPort(), parameters.tproxy().mark()),
                new Destination(addresses.loopback(), true),
                TCP);
    }

    private void marks() {
        table.append(
                PREROUTING,
                why("replies to the proxy's connections are routed back to it by this mark", Parameter.TPROXY_MARK),
                new SaveMark(),
                TCP,
                proxyMark);
        table.append(
                OUTPUT,
                why("the proxy's connection to the application is already marked", Parameter.TPROXY_MARK),
                new Return(),
                TCP,
                TO_LOOPBACK_DEVICE,
                proxyMark);
        for (long uid : parameters.proxy().uids()) {
            markProxy(new UidOwner(uid, false), Parameter.PROXY_UIDS);
        }
        for (long gid : parameters.proxy().gids()) {
            markProxy(new GidOwner(gid, false), Parameter.PROXY_GIDS);
        }
        table.append(
                OUTPUT,
                why("replies of the application are routed back to the proxy by this mark", Parameter.TPROXY_MARK),
                new RestoreMark(),
                TCP,
                new ConnectionMark(parameters.tproxy().mark(), false));
    }

    private void markProxy(Match proxy, Parameter parameter) {
        table.append(
                OUTPUT,
                why("traffic from the proxy to its own pod is handled as inbound", parameter),
                new SetMark(parameters.tproxy().outboundMark()),
                new Destination(addresses.loopback(), true),
                TCP,
                TO_LOOPBACK_DEVICE,
                proxy);
    }

    private String why(String purpose, Parameter parameter) {
        return parameters.why(purpose, parameter);
    }
}
