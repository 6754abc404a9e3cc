// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

/** The parameters of a redirection, for saying where the value of each came from. */
public enum Parameter {
    MODE("interception mode"),
    PROXY_PORT("proxy port"),
    INBOUND_PORT("inbound capture port"),
    TUNNEL_PORT("tunnel port"),
    PROXY_UIDS("UID of the proxy"),
    PROXY_GIDS("GID of the proxy"),
    INBOUND_PORTS("inbound ports"),
    EXCLUDED_INBOUND_PORTS("excluded inbound ports"),
    PROXY_INBOUND_PORTS("ports of the proxy itself"),
    OUTBOUND_CIDRS("outbound address ranges"),
    EXCLUDED_OUTBOUND_CIDRS("excluded outbound address ranges"),
    OUTBOUND_PORTS("outbound ports"),
    EXCLUDED_OUTBOUND_PORTS("excluded outbound ports"),
    EXCLUDED_INTERFACES("excluded interfaces"),
    VIRTUAL_INTERFACES("virtual interfaces"),
    DNS("DNS capture"),
    DUAL_STACK("dual stack"),
    OWNER_GROUPS("groups whose traffic is redirected"),
    EXCLUDED_OWNER_GROUPS("groups whose traffic is not redirected"),
    DROP_INVALID("dropping of invalid packets"),
    TPROXY_MARK("TPROXY mark"),
    OUTBOUND_MARK("outbound mark"),
    ROUTE_TABLE("TPROXY route table"),
    IPV4_LOOPBACK("IPv4 loopback range");

    private final String label;

    Parameter(String label) {
        this.label = label;
    }

    /** The parameter's name for people. */
    public String label() {
        return label;
    }
}
