// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniResult.Interface;
import dev.meshcni.api.CniResult.Ip;
import dev.meshcni.api.CniResult.Route;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Writes results in the shape of every version, as libcni converts them. */
final class ResultWriter {
    private final CniResult result;
    private final boolean rich;

    private ResultWriter(CniResult result, SpecVersion version) {
        this.result = result;
        this.rich = version.atLeast(SpecVersion.V1_0_0);
    }

    static ObjectNode write(CniResult result, SpecVersion version) {
        ResultWriter writer = new ResultWriter(result, version);
        ObjectNode json = CniJson.newObject().put("cniVersion", version.text());
        if (version.atLeast(SpecVersion.V0_3_0)) {
            writer.putLists(json);
        } else {
            writer.putFamilies(json, version);
        }
        if (!result.dns().isEmpty()) {
            json.set("dns", result.dns().toJson());
        }
        return UnknownFields.add(json, result.others());
    }

    private void putLists(ObjectNode json) {
        put(
                json,
                "interfaces",
                result.interfaces().stream().map(this::networkInterface).toList());
        put(json, "ips", result.ips().stream().map(this::ip).toList());
        put(json, "routes", result.routes().stream().map(ResultWriter::route).toList());
    }

    private void putFamilies(ObjectNode json, SpecVersion version) {
        Optional<ObjectNode> ip4 = family(false);
        Optional<ObjectNode> ip6 = family(true);
        if (ip4.isEmpty() && ip6.isEmpty()) {
            throw new CniException(
                    ErrorCode.INCOMPATIBLE_VERSION,
                    "cannot convert the result to CNI version " + version + ": it has no IP address",
                    "results before 0.3.0 contain one address per family and nothing else");
        }
        ip4.ifPresent(ip -> json.set("ip4", ip));
        ip6.ifPresent(ip -> json.set("ip6", ip));
    }

    private Optional<ObjectNode> family(boolean ipv6) {
        return result.ips().stream()
                .filter(ip -> ip.address().isIpv6() == ipv6)
                .findFirst()
                .map(ip -> {
                    ObjectNode json = CniJson.newObject().put("ip", ip.address().toString());
                    putAddress(json, "gateway", ip.gateway());
                    put(json, "routes", routes(ipv6));
                    return json;
                });
    }

    private List<ObjectNode> routes(boolean ipv6) {
        return result.routes().stream()
                .filter(route -> route.dst().isIpv6() == ipv6)
                .map(route -> {
                    ObjectNode json = CniJson.newObject().put("dst", route.dst().toString());
                    putAddress(json, "gw", route.gw());
                    return json;
                })
                .toList();
    }

    private ObjectNode networkInterface(Interface networkInterface) {
        ObjectNode json = CniJson.newObject().put("name", networkInterface.name());
        putText(json, "mac", networkInterface.mac());
        if (rich) {
            putNumber(json, "mtu", networkInterface.mtu());
        }
        putText(json, "sandbox", networkInterface.sandbox());
        if (rich) {
            putText(json, "socketPath", networkInterface.socketPath());
            putText(json, "pciID", networkInterface.pciId());
        }
        return UnknownFields.add(json, networkInterface.others());
    }

    private ObjectNode ip(Ip ip) {
        ObjectNode json = CniJson.newObject();
        if (!rich) {
            json.put("version", ip.address().isIpv6() ? "6" : "4");
        }
        ip.interfaceIndex().ifPresent(index -> json.put("interface", index));
        json.put("address", ip.address().toString());
        putAddress(json, "gateway", ip.gateway());
        return UnknownFields.add(json, ip.others());
    }

    private static ObjectNode route(Route route) {
        ObjectNode json = CniJson.newObject().put("dst", route.dst().toString());
        putAddress(json, "gw", route.gw());
        putNumber(json, "mtu", route.mtu());
        putNumber(json, "advmss", route.advmss());
        putNumber(json, "priority", route.priority());
        putNumber(json, "table", route.table());
        putNumber(json, "scope", route.scope());
        return UnknownFields.add(json, route.others());
    }

    private static void put(ObjectNode json, String field, List<ObjectNode> elements) {
        if (!elements.isEmpty()) {
            ArrayNode list = json.putArray(field);
            elements.forEach(list::add);
        }
    }

    private static void putText(ObjectNode json, String field, String text) {
        if (!text.isEmpty()) {
            json.put(field, text);
        }
    }

    private static void putAddress(ObjectNode json, String field, Optional<InetAddress> address) {
        address.ifPresent(value -> json.put(field, IpNet.text(value)));
    }

    /** As a number of the type that reading gives it, so that trees compare equal. */
    private static void putNumber(ObjectNode json, String field, OptionalLong number) {
        if (number.isPresent()) {
            long value = number.getAsLong();
            if (value == (int) value) {
                json.put(field, (int) value);
            } else {
                json.put(field, value);
            }
        }
    }
}
