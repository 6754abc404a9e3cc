// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Collects {@link RedirectParameters}, starting with Istio's defaults. Values are checked by {@link #build()}. */
public final class RedirectParametersBuilder {
    private static final Cidr IPV4_LOOPBACK = Cidr.parse("127.0.0.1/32");

    private InterceptionMode mode = InterceptionMode.REDIRECT;
    private int proxyPort = 15001;
    private int inboundPort = 15006;
    private int tunnelPort = 15008;
    private List<Long> proxyUids = List.of(RedirectParameters.DEFAULT_PROXY_ID);
    private List<Long> proxyGids = List.of(RedirectParameters.DEFAULT_PROXY_ID);
    private Selection<Integer> inboundPorts = Selection.all();
    private List<Integer> excludedInboundPorts = List.of();
    private List<Integer> proxyInboundPorts = List.of();
    private Selection<Cidr> outboundCidrs = Selection.all();
    private List<Cidr> excludedOutboundCidrs = List.of();
    private List<Integer> outboundPorts = List.of();
    private List<Integer> excludedOutboundPorts = List.of();
    private List<InterfaceName> excludedInterfaces = List.of();
    private List<InterfaceName> virtualInterfaces = List.of();
    private DnsCapture dns = new DnsCapture.Off();
    private boolean dualStack = false;
    private Selection<Long> ownerGroups = Selection.all();
    private List<Long> excludedOwnerGroups = List.of();
    private boolean dropInvalid = false;
    private int tproxyMark = 1337;
    private int outboundMark = 1338;
    private int routeTable = 133;
    private Cidr ipv4Loopback = IPV4_LOOPBACK;
    private final Map<Parameter, String> origins = new EnumMap<>(Parameter.class);

    RedirectParametersBuilder() {}

    /** The mode of inbound redirection. */
    public RedirectParametersBuilder mode(InterceptionMode value) {
        mode = value;
        return this;
    }

    /** The port on which the proxy accepts outbound connections. */
    public RedirectParametersBuilder proxyPort(int value) {
        proxyPort = value;
        return this;
    }

    /** The port on which the proxy accepts inbound connections. */
    public RedirectParametersBuilder inboundPort(int value) {
        inboundPort = value;
        return this;
    }

    /** The port on which the proxy accepts HBONE tunnels. */
    public RedirectParametersBuilder tunnelPort(int value) {
        tunnelPort = value;
        return this;
    }

    /** Users whose traffic is the proxy's own. */
    public RedirectParametersBuilder proxyUids(List<Long> value) {
        proxyUids = value;
        return this;
    }

    /** Groups whose traffic is the proxy's own. */
    public RedirectParametersBuilder proxyGids(List<Long> value) {
        proxyGids = value;
        return this;
    }

    /** Ports on which inbound connections are redirected. */
    public RedirectParametersBuilder inboundPorts(Selection<Integer> value) {
        inboundPorts = value;
        return this;
    }

    /** Exceptions when all inbound ports are redirected. */
    public RedirectParametersBuilder excludedInboundPorts(List<Integer> value) {
        excludedInboundPorts = value;
        return this;
    }

    /** Ports of the proxy itself, never redirected. */
    public RedirectParametersBuilder proxyInboundPorts(List<Integer> value) {
        proxyInboundPorts = value;
        return this;
    }

    /** Destinations to which connections are redirected. */
    public RedirectParametersBuilder outboundCidrs(Selection<Cidr> value) {
        outboundCidrs = value;
        return this;
    }

    /** Exceptions to the destinations. */
    public RedirectParametersBuilder excludedOutboundCidrs(List<Cidr> value) {
        excludedOutboundCidrs = value;
        return this;
    }

    /** Ports to which connections are redirected wherever they go. */
    public RedirectParametersBuilder outboundPorts(List<Integer> value) {
        outboundPorts = value;
        return this;
    }

    /** Ports to which traffic is never redirected. */
    public RedirectParametersBuilder excludedOutboundPorts(List<Integer> value) {
        excludedOutboundPorts = value;
        return this;
    }

    /** Interfaces whose traffic is never redirected. */
    public RedirectParametersBuilder excludedInterfaces(List<InterfaceName> value) {
        excludedInterfaces = value;
        return this;
    }

    /** Interfaces from which a guest's traffic arrives. */
    public RedirectParametersBuilder virtualInterfaces(List<InterfaceName> value) {
        virtualInterfaces = value;
        return this;
    }

    /** Which DNS queries go to the agent. */
    public RedirectParametersBuilder dns(DnsCapture value) {
        dns = value;
        return this;
    }

    /** Sets whether the proxy listens on both address families. */
    public RedirectParametersBuilder dualStack(boolean value) {
        dualStack = value;
        return this;
    }

    /** Groups whose outbound traffic is redirected. */
    public RedirectParametersBuilder ownerGroups(Selection<Long> value) {
        ownerGroups = value;
        return this;
    }

    /** Exceptions when all groups are redirected. */
    public RedirectParametersBuilder excludedOwnerGroups(List<Long> value) {
        excludedOwnerGroups = value;
        return this;
    }

    /** Sets whether packets that belong to no connection are dropped. */
    public RedirectParametersBuilder dropInvalid(boolean value) {
        dropInvalid = value;
        return this;
    }

    /** The mark of packets for the proxy in TPROXY mode. */
    public RedirectParametersBuilder tproxyMark(int value) {
        tproxyMark = value;
        return this;
    }

    /** The mark of the proxy's packets to its own pod in TPROXY mode. */
    public RedirectParametersBuilder outboundMark(int value) {
        outboundMark = value;
        return this;
    }

    /** The routing table for marked packets. */
    public RedirectParametersBuilder routeTable(int value) {
        routeTable = value;
        return this;
    }

    /** The IPv4 addresses that mean this pod itself. */
    public RedirectParametersBuilder ipv4Loopback(Cidr value) {
        ipv4Loopback = value;
        return this;
    }

    /** Says where the value of a parameter came from, such as "annotation NAME". */
    public RedirectParametersBuilder origin(Parameter parameter, String origin) {
        origins.put(parameter, origin);
        return this;
    }

    /**
     * The parameters.
     *
     * @throws IllegalArgumentException if a value is not allowed
     */
    public RedirectParameters build() {
        return new RedirectParameters(
                mode,
                new RedirectParameters.Proxy(
                        proxyPort, inboundPort, tunnelPort, proxyInboundPorts, proxyUids, proxyGids, dualStack),
                new RedirectParameters.Inbound(inboundPorts, excludedInboundPorts, dropInvalid),
                new RedirectParameters.Outbound(
                        outboundCidrs,
                        excludedOutboundCidrs,
                        outboundPorts,
                        excludedOutboundPorts,
                        ownerGroups,
                        excludedOwnerGroups),
                new RedirectParameters.Interfaces(excludedInterfaces, virtualInterfaces),
                dns,
                new RedirectParameters.Tproxy(tproxyMark, outboundMark, routeTable),
                ipv4Loopback,
                origins);
    }
}
