// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniResult.Interface;
import dev.meshcni.api.CniResult.Ip;
import dev.meshcni.api.CniResult.Route;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;

/** Reads results of every version (CNI specifications 0.1.0 to 1.1.0, "Result" or "Result Types"). */
final class ResultReader {
    /** Of all versions: what one of them knows is no unknown field in another. */
    private static final Set<String> TOP = Set.of("cniVersion", "interfaces", "ips", "routes", "dns", "ip4", "ip6");

    private static final Set<String> INTERFACE = Set.of("name", "mac", "sandbox");
    private static final Set<String> INTERFACE_SINCE_1_1 = Set.of("mtu", "socketPath", "pciID");
    private static final Set<String> IP = Set.of("address", "gateway", "interface");
    private static final Set<String> ROUTE = Set.of("dst", "gw");
    private static final Set<String> ROUTE_SINCE_1_1 = Set.of("mtu", "advmss", "priority", "table", "scope");

    private final boolean rich;

    private ResultReader(SpecVersion version) {
        this.rich = version.atLeast(SpecVersion.V1_0_0);
    }

    static CniResult read(JsonNode json, SpecVersion otherwise) {
        if (!(json instanceof ObjectNode object)) {
            throw new CniException(ErrorCode.DECODING_FAILURE, "expected a result, got " + CniJson.kind(json), "");
        }
        Fields fields = new Fields(object, "", ErrorCode.DECODING_FAILURE);
        SpecVersion version = fields.text("cniVersion")
                .filter(text -> !text.isEmpty())
                .map(SpecVersion::ofConfiguration)
                .orElse(otherwise);
        ResultReader reader = new ResultReader(version);
        return version.atLeast(SpecVersion.V0_3_0) ? reader.result(fields) : reader.resultBefore03(fields);
    }

    private CniResult result(Fields fields) {
        return new CniResult(
                fields.objects("interfaces").stream()
                        .map(this::networkInterface)
                        .toList(),
                fields.objects("ips").stream().map(this::ip).toList(),
                fields.objects("routes").stream().map(this::route).toList(),
                dns(fields),
                fields.others(TOP));
    }

    /** One address of each family at most, each with its own routes; no interfaces. */
    private CniResult resultBefore03(Fields fields) {
        List<Ip> ips = new ArrayList<>();
        List<Route> routes = new ArrayList<>();
        for (String family : List.of("ip4", "ip6")) {
            fields.fields(family).ifPresent(ip -> {
                ips.add(new Ip(
                        required(ip, "ip", IpNet::parse), gateway(ip, "gateway"), OptionalInt.empty(), Map.of()));
                ip.objects("routes").forEach(route -> routes.add(route(route)));
            });
        }
        return new CniResult(List.of(), ips, routes, dns(fields), fields.others(TOP));
    }

    /** Fields added in 1.1.0 are unknown fields in earlier versions. */
    private Interface networkInterface(Fields fields) {
        if (!rich) {
            return new Interface(
                    name(fields),
                    fields.textOr("mac", ""),
                    OptionalLong.empty(),
                    fields.textOr("sandbox", ""),
                    "",
                    "",
                    fields.others(INTERFACE));
        }
        return new Interface(
                name(fields),
                fields.textOr("mac", ""),
                fields.number("mtu"),
                fields.textOr("sandbox", ""),
                fields.textOr("socketPath", ""),
                fields.textOr("pciID", ""),
                fields.others(union(INTERFACE, INTERFACE_SINCE_1_1)));
    }

    private Ip ip(Fields fields) {
        OptionalLong index = fields.number("interface");
        if (index.isPresent() && index.getAsLong() != (int) index.getAsLong()) {
            throw fields.invalid("interface", "too large");
        }
        return new Ip(
                required(fields, "address", IpNet::parse),
                gateway(fields, "gateway"),
                index.isPresent() ? OptionalInt.of((int) index.getAsLong()) : OptionalInt.empty(),
                fields.others(rich ? IP : union(IP, Set.of("version"))));
    }

    private Route route(Fields fields) {
        return new Route(
                required(fields, "dst", IpNet::parse),
                gateway(fields, "gw"),
                fields.number("mtu"),
                fields.number("advmss"),
                fields.number("priority"),
                fields.number("table"),
                fields.number("scope"),
                fields.others(union(ROUTE, ROUTE_SINCE_1_1)));
    }

    private static String name(Fields fields) {
        return fields.text("name").orElseThrow(() -> fields.missing("name"));
    }

    private static Dns dns(Fields fields) {
        return fields.fields("dns").map(Dns::read).orElse(Dns.NONE);
    }

    private static Optional<InetAddress> gateway(Fields fields, String field) {
        return fields.text(field)
                .filter(text -> !text.isEmpty())
                .map(text -> parsed(fields, field, text, IpNet::parseAddress));
    }

    private static <T> T required(Fields fields, String field, Function<String, T> parse) {
        String text = fields.text(field).orElseThrow(() -> fields.missing(field));
        return parsed(fields, field, text, parse);
    }

    private static <T> T parsed(Fields fields, String field, String text, Function<String, T> parse) {
        try {
            return parse.apply(text);
        } catch (IllegalArgumentException e) {
            throw fields.invalid(field, e.getMessage());
        }
    }

    private static Set<String> union(Set<String> some, Set<String> more) {
        Set<String> union = new HashSet<>(some);
        union.addAll(more);
        return union;
    }
}
