package dev.meshcni.redirect;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.OwnerIds;
import dev.meshcni.rules.Ports;
import java.net.Inet4Address;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * All that shapes the redirection of one pod, validated: {@link RuleCompiler} makes rules of any value of this type.
 * Lists keep their order and hold each item once. Istio's names and defaults apply ({@link #builder()}).
 *
 * @param mode how inbound connections reach the proxy
 * @param proxyPort where the proxy accepts outbound connections (15001)
 * @param inboundPort where the proxy accepts inbound connections (15006)
 * @param tunnelPort where the proxy accepts tunnelled connections, which are never redirected (15008)
 * @param proxyUids users whose traffic is the proxy's own, at least one
 * @param proxyGids groups whose traffic is the proxy's own, at least one
 * @param inboundPorts ports on which inbound connections are redirected
 * @param excludedInboundPorts exceptions when all inbound ports are redirected
 * @param proxyInboundPorts ports of the proxy itself, exceptions likewise
 * @param outboundCidrs destinations to which connections are redirected
 * @param excludedOutboundCidrs exceptions to it
 * @param outboundPorts ports to which connections are redirected, wherever they go
 * @param excludedOutboundPorts ports to which traffic is never redirected, the strongest rule of all
 * @param excludedInterfaces interfaces whose traffic is never redirected
 * @param virtualInterfaces interfaces from which a guest's traffic arrives, which counts as outbound
 * @param dns which DNS queries go to the agent
 * @param dualStack whether the proxy listens on both address families
 * @param ownerGroups groups whose outbound traffic is redirected
 * @param excludedOwnerGroups exceptions when all groups are redirected
 * @param dropInvalid whether packets that belong to no connection are dropped
 * @param tproxyMark the mark of packets for the proxy in TPROXY mode (1337)
 * @param outboundMark the mark of the proxy's packets to its own pod in TPROXY mode (1338)
 * @param routeTable the routing table for marked packets (133)
 * @param ipv4Loopback the IPv4 addresses that mean this pod itself (127.0.0.1/32)
 * @param origins where values that are not defaults came from
 */
public record RedirectParameters(
        InterceptionMode mode,
        int proxyPort,
        int inboundPort,
        int tunnelPort,
        List<Long> proxyUids,
        List<Long> proxyGids,
        Selection<Integer> inboundPorts,
        List<Integer> excludedInboundPorts,
        List<Integer> proxyInboundPorts,
        Selection<Cidr> outboundCidrs,
        List<Cidr> excludedOutboundCidrs,
        List<Integer> outboundPorts,
        List<Integer> excludedOutboundPorts,
        List<InterfaceName> excludedInterfaces,
        List<InterfaceName> virtualInterfaces,
        DnsCapture dns,
        boolean dualStack,
        Selection<Long> ownerGroups,
        List<Long> excludedOwnerGroups,
        boolean dropInvalid,
        int tproxyMark,
        int outboundMark,
        int routeTable,
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

    public RedirectParameters {
        Objects.requireNonNull(mode, "mode is null");
        Objects.requireNonNull(dns, "dns is null");
        Ports.check(proxyPort);
        Ports.check(inboundPort);
        Ports.check(tunnelPort);
        proxyUids = owners(proxyUids, "users of the proxy");
        proxyGids = owners(proxyGids, "groups of the proxy");
        ports(inboundPorts.items());
        excludedInboundPorts = ports(excludedInboundPorts);
        proxyInboundPorts = ports(proxyInboundPorts);
        atMost(outboundCidrs.items(), MAX_ITEMS);
        excludedOutboundCidrs = distinct(excludedOutboundCidrs, MAX_ITEMS);
        outboundPorts = ports(outboundPorts);
        excludedOutboundPorts = ports(excludedOutboundPorts);
        excludedInterfaces = distinct(excludedInterfaces, MAX_INTERFACES);
        virtualInterfaces = distinct(virtualInterfaces, MAX_INTERFACES);
        atMost(ownerGroups.items(), MAX_OWNER_GROUPS).forEach(OwnerIds::check);
        excludedOwnerGroups = distinct(excludedOwnerGroups, MAX_ITEMS);
        excludedOwnerGroups.forEach(OwnerIds::check);
        if (tproxyMark <= 0 || outboundMark <= 0 || tproxyMark == outboundMark) {
            throw new IllegalArgumentException(
                    "marks must be positive and differ, not " + tproxyMark + " and " + outboundMark);
        }
        if (routeTable <= 0 || (routeTable >= 253 && routeTable <= 255)) {
            throw new IllegalArgumentException(
                    "route table " + routeTable + " is not positive, or is reserved by the system");
        }
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

    private static List<Integer> ports(List<Integer> ports) {
        ports.forEach(Ports::check);
        return distinct(ports, MAX_ITEMS);
    }

    private static <T> List<T> distinct(List<T> items, int limit) {
        return atMost(items.stream().distinct().toList(), limit);
    }

    private static <T> List<T> atMost(List<T> items, int limit) {
        if (items.size() > limit) {
            throw new IllegalArgumentException(items.size() + " entries, at most " + limit + " are allowed");
        }
        return items;
    }
}
