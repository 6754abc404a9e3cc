// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import java.net.InetAddress;
import java.util.List;

/** The DNS queries of the application that are redirected to istio-agent, port {@value #AGENT_PORT}. */
public sealed interface DnsCapture {
    /** The port on which DNS is asked. */
    int DNS_PORT = 53;

    /** The port of istio-agent's DNS proxy. */
    int AGENT_PORT = 15053;

    /** None. */
    record Off() implements DnsCapture {}

    /** All queries, for any resolver. */
    record AllResolvers() implements DnsCapture {}

    /** Those meant for one of these resolvers. */
    record Servers(List<InetAddress> addresses) implements DnsCapture {
        public Servers {
            addresses = addresses.stream().distinct().toList();
            if (addresses.isEmpty()) {
                throw new IllegalArgumentException("no DNS server given");
            }
        }
    }

    /** Returns whether any query is captured. */
    default boolean active() {
        return !(this instanceof Off);
    }
}
