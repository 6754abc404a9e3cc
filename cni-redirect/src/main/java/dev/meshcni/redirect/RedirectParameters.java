// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.OwnerIds;
import dev.meshcni.rules.Ports;
import java.net.Inet4Address;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * All that shapes the redirection of one pod, validated: {@link RuleCompiler} makes rules of any value of this type.
 * Lists keep their order and hold each item once. Istio's names and defaults apply ({@link #builder()}).
 *
 * @param mode how inbound connections reach the proxy
 * @param proxy the ports and the identity of the proxy
 * @param inbound which inbound connections are redirected
 * @param outbound which outbound connections are redirected
 * @param interfaces interfaces that are treated differently
 * @param dns which DNS queries go to the agent
 * @param tproxy marks and routing table of TPROXY mode
 * @param ipv4Loopback the IPv4 addresses that mean this pod itself (127.0.0.1/32)
 * @param origins where values that are not defaults came from
 */
public record RedirectParameters(
        InterceptionMode mode,
        Proxy proxy,
        Inbound inbound,
        Outbound outbound,
        Interfaces interfaces,
        DnsCapture dns,
        Tproxy tproxy,
        Cidr ipv4Loopback,
        Map<Parameter, String> origins) {
    /** The most entries of a list of ports or address ranges. */
    public static final int MAX_ITEMS = 4096;

    /** The most interfaces of a list. */
    public static final int MAX_INTERFACES = 64;

    /** The most groups to which redirection can be limited: they share one rule, which the kernel limits in size. */
    public static final int MAX_OWNER_GROUPS = 64;

    /** The user and group of the proxy unless the pod says otherwise. */
    public static final long DEFAULT_PROXY_ID = 1337;

    /**
     * The proxy.
     *
     * @param outboundPort where it accepts outbound connections (15001)
     * @param inboundPort where it accepts inbound connections (15006)
     * @param tunnelPort where it accepts tunnelled connections, which are never redirected (15008)
     * @param ownPorts further ports of its own, on which inbound connections are not redirected
     * @param uids users whose traffic is the proxy's own, at least one
     * @param gids groups whose traffic is the proxy's own, at least one
     * @param dualStack whether it listens on both address families
     */
    public record Proxy(
            int outboundPort,
            int inboundPort,
            int tunnelPort,
            List<Integer> ownPorts,
            List<Long> uids,
            List<Long> gids,
            boolean dualStack) {
        public Proxy {
            Ports.check(outboundPort);
            Ports.check(inboundPort);
            Ports.check(tunnelPort);
            ownPorts = checkedPorts(ownPorts);
            uids = owners(uids, "users of the proxy");
            gids = owners(gids, "groups of the proxy");
        }
    }

    /**
     * Which inbound connections are redirected: app of another pod → REDIRECT or TPROXY → proxy → app.
     *
     * @param ports ports on which they are redirected
     * @param excludedPorts exceptions when all ports are redirected
     * @param dropInvalid whether packets that belong to no connection are dropped
     */
    public record Inbound(Selection<Integer> ports, List<Integer> excludedPorts, boolean dropInvalid) {
        public Inbound {
            checkedPorts(ports.items());
            excludedPorts = checkedPorts(excludedPorts);
        }
    }

    /**
     * Which outbound connections are redirected: app → REDIRECT → proxy → service.
     *
     * @param cidrs destinations to which they are redirected
     * @param excludedCidrs exceptions to the destinations
     * @param ports ports to which they are redirected, wherever they go
     * @param excludedPorts ports to which traffic is never redirected, the strongest rule of all
     * @param ownerGroups groups whose connections are redirected
     * @param excludedOwnerGroups exceptions when all groups are redirected
     */
    public record Outbound(
            Selection<Cidr> cidrs,
            List<Cidr> excludedCidrs,
            List<Integer> ports,
            List<Integer> excludedPorts,
            Selection<Long> ownerGroups,
            List<Long> excludedOwnerGroups) {
        public Outbound {
            atMost(cidrs.items(), MAX_ITEMS);
            excludedCidrs = distinct(excludedCidrs, MAX_ITEMS);
            ports = checkedPorts(ports);
            excludedPorts = checkedPorts(excludedPorts);
            atMost(ownerGroups.items(), MAX_OWNER_GROUPS).forEach(OwnerIds::check);
            excludedOwnerGroups = distinct(excludedOwnerGroups, MAX_ITEMS);
            excludedOwnerGroups.forEach(OwnerIds::check);
        }
    }

    /**
     * Interfaces that are treated differently.
     *
     * @param excluded interfaces whose traffic is never redirected
     * @param virtual interfaces from which a guest's traffic arrives, which counts as outbound
     */
    public record Interfaces(List<InterfaceName> excluded, List<InterfaceName> virtual) {
        public Interfaces {
            excluded = distinct(excluded, MAX_INTERFACES);
            virtual = distinct(virtual, MAX_INTERFACES);
        }
    }

    /**
     * Marks and routing table of TPROXY mode (kernel documentation, networking/tproxy).
     *
     * @param mark the mark of packets for the proxy (1337)
     * @param outboundMark the mark of the proxy's packets to its own pod (1338)
     * @param routeTable the routing table for marked packets (133)
     */
    public record Tproxy(int mark, int outboundMark, int routeTable) {
        public Tproxy {
            if (mark <= 0 || outboundMark <= 0 || mark == outboundMark) {
                throw new IllegalArgumentException(
                        "marks must be positive and differ, not " + mark + " and " + outboundMark);
            }
            if (routeTable <= 0 || (routeTable >= 253 && routeTable <= 255)) {
                throw new IllegalArgumentException(
                        "route table " + routeTable + " is not positive, or is reserved by the system");
            }
        }
    }

    public RedirectParameters {
        Objects.requireNonNull(mode, "mode is null");
        Objects.requireNonNull(proxy, "proxy is null");
        Objects.requireNonNull(inbound, "inbound is null");
        Objects.requireNonNull(outbound, "outbound is null");
        Objects.requireNonNull(interfaces, "interfaces is null");
        Objects.requireNonNull(dns, "dns is null");
        Objects.requireNonNull(tproxy, "tproxy is null");
        if (!isIpv4Loopback(ipv4Loopback)) {
            throw new IllegalArgumentException(ipv4Loopback + " is not within 127.0.0.0/8");
        }
        origins = Map.copyOf(origins);
    }

    /** A builder that starts with Istio's defaults: all traffic in both directions is redirected. */
    public static RedirectParametersBuilder builder() {
        return new RedirectParametersBuilder();
    }

    /** The origin of a parameter's value, such as "annotation NAME"; "default" if it is not set. */
    public String origin(Parameter parameter) {
        return origins.getOrDefault(parameter, "default");
    }

    /** The origin of a rule: what it is for, and where the parameter behind it came from. */
    String why(String purpose, Parameter parameter) {
        return purpose + " (" + origin(parameter) + ")";
    }

    static boolean isIpv4Loopback(Cidr range) {
        return range.address() instanceof Inet4Address address
                && address.isLoopbackAddress()
                && range.prefixLength() >= 8;
    }

    private static List<Long> owners(List<Long> ids, String what) {
        if (ids.isEmpty()) {
            throw new IllegalArgumentException(
                    "no " + what + " given: the proxy's own traffic would be redirected to itself");
        }
        List<Long> distinct = distinct(ids, MAX_OWNER_GROUPS);
        distinct.forEach(OwnerIds::check);
        return distinct;
    }

    private static List<Integer> checkedPorts(List<Integer> ports) {
        ports.forEach(Ports::check);
        return distinct(ports, MAX_ITEMS);
    }

    private static <T> List<T> distinct(List<T> items, int limit) {
        return atMost(List.copyOf(new LinkedHashSet<>(items)), limit);
    }

    private static <T> List<T> atMost(List<T> items, int limit) {
        if (items.size() > limit) {
            throw new IllegalArgumentException(items.size() + " entries, at most " + limit + " are allowed");
        }
        return items;
    }
}
