// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.SpecVersion;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The result of the plugins before, passed on in the version that was asked for. Values stay as they were written; only
 * where the versions differ in shape are they put elsewhere, as libcni converts them (CNI specification 1.1, section 5,
 * and those of 0.2.0 and 0.4.0).
 */
final class PassedResult {
    private static final String CNI_VERSION = "cniVersion";
    private static final List<String> LISTS = List.of("interfaces", "ips", "routes");
    private static final List<String> FAMILIES = List.of("ip4", "ip6");
    private static final String VERSION = "version";

    /** The fields of an interface that 1.0.0 and later have, and earlier versions do not. */
    private static final Set<String> RICH_INTERFACE = Set.of("mtu", "socketPath", "pciID");

    private final Optional<JsonSpan> previous;
    private final SpecVersion asked;

    PassedResult(Optional<JsonSpan> previous, SpecVersion asked) {
        this.previous = previous;
        this.asked = asked;
    }

    /** The layout of a result in a version. */
    private enum Shape {
        FAMILIES,
        LISTS_WITH_VERSIONS,
        LISTS;

        static Shape of(SpecVersion version) {
            if (!version.atLeast(SpecVersion.V0_3_0)) {
                return FAMILIES;
            }
            return version.atLeast(SpecVersion.V1_0_0) ? LISTS : LISTS_WITH_VERSIONS;
        }
    }

    /**
     * The JSON to print.
     *
     * @throws CniException if the result is none, or the version cannot say it
     */
    byte[] json() {
        JsonPart version = JsonPart.string(asked.text());
        Shape wanted = Shape.of(asked);
        if (previous.isPresent() && Shape.of(version(previous.get())) == wanted) {
            return JsonPart.bytes(new JsonPart.Changed(previous.get(), CNI_VERSION, version));
        }
        Map<String, JsonPart> result = new LinkedHashMap<>();
        result.put(CNI_VERSION, version);
        previous.ifPresent(span -> {
            Map<String, JsonSpan> fields = span.members();
            fields.remove(CNI_VERSION);
            convert(fields, Shape.of(version(span)), wanted, result);
        });
        return JsonPart.bytes(new JsonPart.Members(result));
    }

    private SpecVersion version(JsonSpan result) {
        String text = text(result.member(CNI_VERSION), CNI_VERSION).orElse("");
        try {
            return text.isEmpty() ? asked : SpecVersion.ofConfiguration(text);
        } catch (CniException e) {
            throw new CniException(
                    ErrorCode.INVALID_NETWORK_CONFIG, "invalid prevResult: " + e.getMessage(), e.details(), e);
        }
    }

    private void convert(Map<String, JsonSpan> fields, Shape shape, Shape wanted, Map<String, JsonPart> result) {
        if (shape == Shape.FAMILIES) {
            putLists(ipsOfFamilies(fields, wanted), routesOfFamilies(fields), result);
        } else if (wanted == Shape.FAMILIES) {
            putFamilies(fields, result);
        } else {
            put("interfaces", interfaces(fields, wanted), result);
            put("ips", ips(fields, wanted), result);
            put("routes", copies(list(fields, "routes")), result);
        }
        Set<String> placed = new HashSet<>(LISTS);
        placed.addAll(FAMILIES);
        fields.forEach((name, value) -> {
            if (!placed.contains(name)) {
                result.put(name, new JsonPart.Copied(value));
            }
        });
    }

    private static List<JsonPart> interfaces(Map<String, JsonSpan> fields, Shape wanted) {
        List<JsonPart> interfaces = new ArrayList<>();
        for (JsonSpan element : list(fields, "interfaces")) {
            Map<String, JsonPart> known = members(element, "interfaces");
            if (wanted == Shape.LISTS_WITH_VERSIONS) {
                known.keySet().removeAll(RICH_INTERFACE);
            }
            interfaces.add(new JsonPart.Members(known));
        }
        return interfaces;
    }

    private static List<JsonPart> ips(Map<String, JsonSpan> fields, Shape wanted) {
        List<JsonPart> ips = new ArrayList<>();
        for (JsonSpan element : list(fields, "ips")) {
            Map<String, JsonPart> ip = members(element, "ips");
            String address = required(element.members(), "address", "ips");
            ip.remove(VERSION);
            ips.add(new JsonPart.Members(withVersion(ip, address, wanted)));
        }
        return ips;
    }

    private static List<JsonPart> ipsOfFamilies(Map<String, JsonSpan> fields, Shape wanted) {
        List<JsonPart> ips = new ArrayList<>();
        for (String family : FAMILIES) {
            value(fields, family, JsonSpan.Kind.OBJECT).map(JsonSpan::members).ifPresent(ip -> {
                Map<String, JsonPart> entry = new LinkedHashMap<>();
                entry.put("address", JsonPart.string(required(ip, "ip", family)));
                copy(ip, "gateway", entry);
                ips.add(new JsonPart.Members(withVersion(entry, required(ip, "ip", family), wanted)));
            });
        }
        return ips;
    }

    private static List<JsonPart> routesOfFamilies(Map<String, JsonSpan> fields) {
        List<JsonPart> routes = new ArrayList<>();
        for (String family : FAMILIES) {
            value(fields, family, JsonSpan.Kind.OBJECT)
                    .map(JsonSpan::members)
                    .ifPresent(ip -> routes.addAll(copies(list(ip, "routes"))));
        }
        return routes;
    }

    private static void putLists(List<JsonPart> ips, List<JsonPart> routes, Map<String, JsonPart> result) {
        put("ips", ips, result);
        put("routes", routes, result);
    }

    /** The first address of each family, with the routes of that family. */
    private void putFamilies(Map<String, JsonSpan> fields, Map<String, JsonPart> result) {
        for (String family : FAMILIES) {
            boolean ipv6 = family.equals("ip6");
            for (JsonSpan element : list(fields, "ips")) {
                Map<String, JsonSpan> ip = element.members();
                String address = required(ip, "address", "ips");
                if (isIpv6(address) == ipv6 && !result.containsKey(family)) {
                    Map<String, JsonPart> entry = new LinkedHashMap<>();
                    entry.put("ip", JsonPart.string(address));
                    copy(ip, "gateway", entry);
                    put("routes", routes(fields, ipv6), entry);
                    result.put(family, new JsonPart.Members(entry));
                }
            }
        }
        if (result.size() == 1) {
            throw new CniException(
                    ErrorCode.INCOMPATIBLE_VERSION,
                    "cannot convert the result to CNI version " + asked + ": it has no IP address",
                    "results before 0.3.0 contain one address per family and nothing else");
        }
    }

    private static List<JsonPart> routes(Map<String, JsonSpan> fields, boolean ipv6) {
        List<JsonPart> routes = new ArrayList<>();
        for (JsonSpan element : list(fields, "routes")) {
            Map<String, JsonSpan> route = element.members();
            String destination = required(route, "dst", "routes");
            if (isIpv6(destination) == ipv6) {
                Map<String, JsonPart> entry = new LinkedHashMap<>();
                entry.put("dst", JsonPart.string(destination));
                copy(route, "gw", entry);
                routes.add(new JsonPart.Members(entry));
            }
        }
        return routes;
    }

    private static Map<String, JsonPart> withVersion(Map<String, JsonPart> ip, String address, Shape wanted) {
        if (wanted != Shape.LISTS_WITH_VERSIONS) {
            return ip;
        }
        Map<String, JsonPart> versioned = new LinkedHashMap<>();
        versioned.put(VERSION, JsonPart.string(isIpv6(address) ? "6" : "4"));
        versioned.putAll(ip);
        return versioned;
    }

    private static boolean isIpv6(String address) {
        return address.indexOf(':') >= 0;
    }

    private static void copy(Map<String, JsonSpan> from, String field, Map<String, JsonPart> into) {
        text(from, field).filter(text -> !text.isEmpty()).ifPresent(text -> into.put(field, JsonPart.string(text)));
    }

    private static void put(String field, List<JsonPart> elements, Map<String, JsonPart> into) {
        if (!elements.isEmpty()) {
            into.put(field, new JsonPart.Sequence(elements));
        }
    }

    private static List<JsonPart> copies(List<JsonSpan> spans) {
        List<JsonPart> copies = new ArrayList<>();
        spans.forEach(span -> copies.add(new JsonPart.Copied(span)));
        return copies;
    }

    private static Map<String, JsonPart> members(JsonSpan element, String field) {
        Map<String, JsonPart> members = new LinkedHashMap<>();
        requireKind(element, JsonSpan.Kind.OBJECT, field)
                .members()
                .forEach((name, value) -> members.put(name, new JsonPart.Copied(value)));
        return members;
    }

    private static List<JsonSpan> list(Map<String, JsonSpan> fields, String field) {
        List<JsonSpan> list =
                value(fields, field, JsonSpan.Kind.LIST).map(JsonSpan::elements).orElse(List.of());
        list.forEach(element -> requireKind(element, JsonSpan.Kind.OBJECT, field));
        return list;
    }

    private static String required(Map<String, JsonSpan> fields, String field, String of) {
        return text(fields, field)
                .orElseThrow(() -> new CniException(
                        ErrorCode.INVALID_NETWORK_CONFIG,
                        "invalid prevResult: missing field " + field + " of " + of,
                        ""));
    }

    private static Optional<String> text(Map<String, JsonSpan> fields, String field) {
        return text(Optional.ofNullable(fields.get(field)), field);
    }

    private static Optional<String> text(Optional<JsonSpan> value, String field) {
        return value(value, field, JsonSpan.Kind.STRING).map(JsonSpan::text);
    }

    private static Optional<JsonSpan> value(Map<String, JsonSpan> fields, String field, JsonSpan.Kind kind) {
        return value(Optional.ofNullable(fields.get(field)), field, kind);
    }

    private static Optional<JsonSpan> value(Optional<JsonSpan> value, String field, JsonSpan.Kind kind) {
        return value.filter(span -> span.kind() != JsonSpan.Kind.NULL).map(span -> requireKind(span, kind, field));
    }

    private static JsonSpan requireKind(JsonSpan span, JsonSpan.Kind kind, String field) {
        if (span.kind() != kind) {
            throw new CniException(
                    ErrorCode.INVALID_NETWORK_CONFIG,
                    "invalid prevResult: invalid field " + field + ": expected " + kind.words() + ", got "
                            + span.kind().words(),
                    "");
        }
        return span;
    }
}
