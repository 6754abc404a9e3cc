// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Resolver settings (CNI specification 1.1, section 5, "ADD Success", {@code dns}).
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param nameservers addresses of name servers, in order of preference
 * @param domain the local domain; may be empty
 * @param search search domains, in order
 * @param options options for the resolver
 * @param others fields that are not known here
 * @since 0.1.0
 */
public record Dns(
        List<String> nameservers,
        String domain,
        List<String> search,
        List<String> options,
        Map<String, JsonNode> others) {
    /** No settings. */
    public static final Dns NONE = new Dns(List.of(), "", List.of(), List.of(), Map.of());

    private static final Set<String> KNOWN = Set.of("nameservers", "domain", "search", "options");

    public Dns {
        nameservers = List.copyOf(nameservers);
        Objects.requireNonNull(domain, "domain is null");
        search = List.copyOf(search);
        options = List.copyOf(options);
        others = UnknownFields.copy(others);
    }

    /** Name servers without further settings. */
    public static Dns of(List<String> nameservers) {
        return new Dns(nameservers, "", List.of(), List.of(), Map.of());
    }

    /** The same settings with a local domain. */
    public Dns withDomain(String name) {
        return new Dns(nameservers, name, search, options, others);
    }

    /** The same settings with other search domains. */
    public Dns withSearch(List<String> domains) {
        return new Dns(nameservers, domain, domains, options, others);
    }

    /** The same settings with other options for the resolver. */
    public Dns withOptions(List<String> values) {
        return new Dns(nameservers, domain, search, values, others);
    }

    static Dns read(Fields fields) {
        return new Dns(
                fields.strings("nameservers"),
                fields.textOr("domain", ""),
                fields.strings("search"),
                fields.strings("options"),
                fields.others(KNOWN));
    }

    /** Returns whether nothing is set. */
    public boolean isEmpty() {
        return equals(NONE);
    }

    ObjectNode toJson() {
        ObjectNode json = CniJson.newObject();
        put(json, "nameservers", nameservers);
        if (!domain.isEmpty()) {
            json.put("domain", domain);
        }
        put(json, "search", search);
        put(json, "options", options);
        return UnknownFields.add(json, others);
    }

    private static void put(ObjectNode json, String field, List<String> values) {
        if (!values.isEmpty()) {
            values.forEach(json.putArray(field)::add);
        }
    }
}
