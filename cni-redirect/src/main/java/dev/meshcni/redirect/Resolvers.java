// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Match;
import java.net.InetAddress;
import java.util.List;

/** The resolvers of one family whose queries are captured. */
final class Resolvers {
    private Resolvers() {}

    /** Returns whether queries of this family are captured at all. */
    static boolean captured(DnsCapture capture, IpFamily family) {
        return capture instanceof DnsCapture.AllResolvers
                || !addresses(capture, family).isEmpty();
    }

    /** Matches for queries to the resolvers; empty for all resolvers. */
    static List<Match> destinations(DnsCapture capture, IpFamily family) {
        return addresses(capture, family).stream()
                .<Match>map(resolver -> new Match.Destination(resolver, false))
                .toList();
    }

    /** The resolvers that are named. */
    static List<Cidr> addresses(DnsCapture capture, IpFamily family) {
        return switch (capture) {
            case DnsCapture.Off _, DnsCapture.AllResolvers _ -> List.of();
            case DnsCapture.Servers(List<InetAddress> servers) ->
                servers.stream()
                        .map(Cidr::host)
                        .filter(server -> server.family() == family)
                        .toList();
        };
    }
}
