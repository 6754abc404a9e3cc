// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static dev.meshcni.rules.ChainNames.INBOUND;

import dev.meshcni.rules.Match;
import dev.meshcni.rules.Match.DestinationPort;
import dev.meshcni.rules.Match.Protocol;
import dev.meshcni.rules.Target.Return;
import dev.meshcni.rules.TransportProtocol;
import java.util.List;

/** Writes the choice of inbound ports, which is the same in both interception modes but stands in different tables. */
final class InboundPorts {
    private static final Match TCP = new Protocol(TransportProtocol.TCP);

    /** Writes the rules that send what matches to the proxy. */
    interface Capture {
        void write(String chain, String origin, Match... matches);
    }

    private InboundPorts() {}

    static void write(RedirectParameters parameters, TableDraft table, Capture capture) {
        switch (parameters.inbound().ports()) {
            case Selection.All<Integer> _ -> {
                exclude(parameters, table);
                capture.write(
                        INBOUND,
                        parameters.why("all other inbound connections go to the proxy", Parameter.INBOUND_PORTS),
                        TCP);
            }
            case Selection.Only<Integer>(List<Integer> ports) -> {
                String origin =
                        parameters.why("inbound connections to this port go to the proxy", Parameter.INBOUND_PORTS);
                ports.forEach(port -> capture.write(INBOUND, origin, TCP, new DestinationPort(port, false)));
            }
        }
    }

    private static void exclude(RedirectParameters parameters, TableDraft table) {
        List<Integer> excluded = parameters.inbound().excludedPorts();
        String origin =
                parameters.why("inbound connections to this port bypass the proxy", Parameter.EXCLUDED_INBOUND_PORTS);
        excluded.forEach(port -> leave(table, origin, port));
        String own = parameters.why("the proxy itself listens on this port", Parameter.PROXY_INBOUND_PORTS);
        parameters.proxy().ownPorts().stream()
                .filter(port -> !excluded.contains(port))
                .forEach(port -> leave(table, own, port));
    }

    private static void leave(TableDraft table, String origin, int port) {
        table.append(INBOUND, origin, new Return(), TCP, new DestinationPort(port, false));
    }
}
