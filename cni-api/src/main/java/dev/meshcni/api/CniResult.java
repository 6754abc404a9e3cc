// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The result of a successful ADD, passed to later plugins as {@code prevResult}: the shape of specification 1.1.0
 * (section 5, "ADD Success"), which can say all that any version can. Only {@link #parse} and {@link #toJson} know of
 * versions. Fields that are not known here survive a round trip.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param interfaces the interfaces that were created
 * @param ips the addresses that were assigned
 * @param routes the routes that were created
 * @param dns resolver settings
 * @param others fields that are not known here
 * @since 0.1.0
 */
public record CniResult(
        List<Interface> interfaces, List<Ip> ips, List<Route> routes, Dns dns, Map<String, JsonNode> others) {
    /** A result that says nothing. */
    public static final CniResult EMPTY = new CniResult(List.of(), List.of(), List.of(), Dns.NONE, Map.of());

    public CniResult {
        interfaces = List.copyOf(interfaces);
        ips = List.copyOf(ips);
        routes = List.copyOf(routes);
        Objects.requireNonNull(dns, "dns is null");
        others = UnknownFields.copy(others);
    }

    /** A result without resolver settings and unknown fields. */
    public static CniResult of(List<Interface> interfaces, List<Ip> ips, List<Route> routes) {
        return new CniResult(interfaces, ips, routes, Dns.NONE, Map.of());
    }

    /** The same result with other interfaces. */
    public CniResult withInterfaces(List<Interface> others) {
        return new CniResult(others, ips, routes, dns, this.others);
    }

    /** The same result with other addresses. */
    public CniResult withIps(List<Ip> others) {
        return new CniResult(interfaces, others, routes, dns, this.others);
    }

    /** The same result with all addresses on one of its interfaces, as what an IPAM plugin assigned has none. */
    public CniResult withIpsOn(int interfaceIndex) {
        return withIps(
                ips.stream().map(ip -> ip.withInterfaceIndex(interfaceIndex)).toList());
    }

    /** The same result with other routes. */
    public CniResult withRoutes(List<Route> others) {
        return new CniResult(interfaces, ips, others, dns, this.others);
    }

    /** The same result with other resolver settings. */
    public CniResult withDns(Dns other) {
        return new CniResult(interfaces, ips, routes, other, others);
    }

    /**
     * Reads a result.
     *
     * @param json the result, in the shape of the version in its {@code cniVersion}
     * @param version the version of a result that has no {@code cniVersion}
     * @throws CniException {@link ErrorCode#INCOMPATIBLE_VERSION} if its {@code cniVersion} has not been released,
     *     {@link ErrorCode#DECODING_FAILURE} if it has not the shape of its version; the message names the field
     */
    public static CniResult parse(JsonNode json, SpecVersion version) {
        return ResultReader.read(json, version);
    }

    /**
     * Writes this result in the shape of a version, as libcni converts it. 1.0.0 and 1.1.0 share one shape. Versions
     * before 1.0.0 say of each address which family it is, and of interfaces only name, MAC and sandbox. Versions
     * before 0.3.0 know no interfaces, and of each family only the first address, with the routes of that family.
     *
     * @throws CniException {@link ErrorCode#INCOMPATIBLE_VERSION} if the version cannot say it: before 0.3.0 a result
     *     must have an address
     */
    public ObjectNode toJson(SpecVersion version) {
        return ResultWriter.write(this, version);
    }

    /** The interface that has an address, if the result says which. */
    public Optional<Interface> interfaceOf(Ip ip) {
        int index = ip.interfaceIndex().orElse(-1);
        return index >= 0 && index < interfaces.size() ? Optional.of(interfaces.get(index)) : Optional.empty();
    }

    /**
     * A network interface.
     *
     * @param name its name
     * @param mac its hardware address; may be empty
     * @param mtu its MTU in bytes (since 1.1.0)
     * @param sandbox the path of the network namespace that it is in; empty for an interface of the host
     * @param socketPath the socket of a vhost-user or similar interface (since 1.1.0); may be empty
     * @param pciId the PCI address of the device behind it (since 1.1.0); may be empty
     * @param others fields that are not known here
     */
    public record Interface(
            String name,
            String mac,
            OptionalLong mtu,
            String sandbox,
            String socketPath,
            String pciId,
            Map<String, JsonNode> others) {
        public Interface {
            Objects.requireNonNull(name, "name is null");
            Objects.requireNonNull(mac, "mac is null");
            Objects.requireNonNull(mtu, "mtu is null");
            Objects.requireNonNull(sandbox, "sandbox is null");
            Objects.requireNonNull(socketPath, "socketPath is null");
            Objects.requireNonNull(pciId, "pciId is null");
            others = UnknownFields.copy(others);
        }

        /** An interface of the host. */
        public static Interface ofHost(String name) {
            return new Interface(name, "", OptionalLong.empty(), "", "", "", Map.of());
        }

        /** An interface in a sandbox. */
        public static Interface ofSandbox(String name, String sandbox) {
            return new Interface(name, "", OptionalLong.empty(), sandbox, "", "", Map.of());
        }

        /** The same interface with a hardware address. */
        public Interface withMac(String address) {
            return new Interface(name, address, mtu, sandbox, socketPath, pciId, others);
        }

        /** The same interface with an MTU, in bytes. */
        public Interface withMtu(long bytes) {
            return new Interface(name, mac, OptionalLong.of(bytes), sandbox, socketPath, pciId, others);
        }
    }

    /**
     * An address that was assigned.
     *
     * @param address the address, in its network
     * @param gateway the default gateway of that network
     * @param interfaceIndex which of the result's interfaces has it; may point to none
     * @param others fields that are not known here
     */
    public record Ip(
            IpNet address, Optional<InetAddress> gateway, OptionalInt interfaceIndex, Map<String, JsonNode> others) {
        public Ip {
            Objects.requireNonNull(address, "address is null");
            Objects.requireNonNull(gateway, "gateway is null");
            Objects.requireNonNull(interfaceIndex, "interfaceIndex is null");
            others = UnknownFields.copy(others);
        }

        /** An address of one of the result's interfaces. */
        public static Ip of(IpNet address, int interfaceIndex) {
            return new Ip(address, Optional.empty(), OptionalInt.of(interfaceIndex), Map.of());
        }

        /** The same address with a default gateway. */
        public Ip withGateway(InetAddress router) {
            return new Ip(address, Optional.of(router), interfaceIndex, others);
        }

        /** The same address on another of the result's interfaces. */
        public Ip withInterfaceIndex(int index) {
            return new Ip(address, gateway, OptionalInt.of(index), others);
        }
    }

    /**
     * A route.
     *
     * @param dst its destination
     * @param gw its next hop
     * @param mtu the MTU along it in bytes (since 1.1.0)
     * @param advmss the maximal segment size to advertise (since 1.1.0)
     * @param priority its priority, lower ones win (since 1.1.0)
     * @param table the table that it stands in (since 1.1.0)
     * @param scope its scope: 0 is global, 253 link, 254 host (since 1.1.0)
     * @param others fields that are not known here
     */
    public record Route(
            IpNet dst,
            Optional<InetAddress> gw,
            OptionalLong mtu,
            OptionalLong advmss,
            OptionalLong priority,
            OptionalLong table,
            OptionalLong scope,
            Map<String, JsonNode> others) {
        public Route {
            Objects.requireNonNull(dst, "dst is null");
            Objects.requireNonNull(gw, "gw is null");
            Objects.requireNonNull(mtu, "mtu is null");
            Objects.requireNonNull(advmss, "advmss is null");
            Objects.requireNonNull(priority, "priority is null");
            Objects.requireNonNull(table, "table is null");
            Objects.requireNonNull(scope, "scope is null");
            others = UnknownFields.copy(others);
        }

        /** A route to a destination, without further attributes. */
        public static Route of(IpNet dst, Optional<InetAddress> gw) {
            return new Route(
                    dst,
                    gw,
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    Map.of());
        }

        /** The same route with an MTU, in bytes. */
        public Route withMtu(long bytes) {
            return new Route(dst, gw, OptionalLong.of(bytes), advmss, priority, table, scope, others);
        }

        /** The same route with a priority. */
        public Route withPriority(long value) {
            return new Route(dst, gw, mtu, advmss, OptionalLong.of(value), table, scope, others);
        }

        /** The same route in another table. */
        public Route withTable(long id) {
            return new Route(dst, gw, mtu, advmss, priority, OptionalLong.of(id), scope, others);
        }
    }
}
