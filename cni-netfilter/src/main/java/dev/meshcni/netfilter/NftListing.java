// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.netfilter.Intervals.Range;
import dev.meshcni.netfilter.NftTable.NftChain;
import dev.meshcni.netfilter.NftTable.NftRule;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Reads what {@code nft -j list table} or {@code nft -j list ruleset} prints ({@code libnftables-json(5)}) into the
 * notation of {@link NftRenderer}. An expression that we never write comes out as its JSON, so that it equals nothing
 * of ours.
 */
public final class NftListing {
    private static final ObjectMapper JSON = new ObjectMapper();

    private NftListing() {}

    /**
     * Reads our table of a family.
     *
     * @return the table; empty if the listing has none
     * @throws IllegalArgumentException if the text is not such a listing
     */
    public static Optional<NftTable> parse(IpFamily family, String json) {
        Map<String, NftChain> chains = new LinkedHashMap<>();
        List<String> others = new ArrayList<>();
        boolean found = false;
        for (JsonNode object : tree(json).path("nftables")) {
            String kind = object.fieldNames().next();
            JsonNode body = object.get(kind);
            String table = body.path(kind.equals("table") ? "name" : "table").asText();
            boolean ours =
                    table.equals(NftTable.NAME) && body.path("family").asText().equals(NftTable.label(family));
            switch (ours ? kind : "of others") {
                case "of others" -> {}
                case "table" -> found = true;
                case "chain" -> {
                    String name = body.path("name").asText();
                    chains.put(name, new NftChain(name, hook(body), List.of()));
                }
                case "rule" -> chains.computeIfPresent(body.path("chain").asText(), (_, chain) -> with(chain, body));
                default -> others.add(kind + " " + body.path("name").asText());
            }
        }
        return found ? Optional.of(new NftTable(family, List.copyOf(chains.values()), others)) : Optional.empty();
    }

    private static JsonNode tree(String json) {
        try {
            JsonNode tree = JSON.readTree(json);
            if (!tree.path("nftables").isArray()) {
                throw new IllegalArgumentException("not a listing of nft");
            }
            return tree;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a listing of nft: " + e.getOriginalMessage(), e);
        }
    }

    private static String hook(JsonNode chain) {
        if (!chain.has("hook")) {
            return "";
        }
        String hook = "type " + chain.path("type").asText() + " hook "
                + chain.path("hook").asText() + " priority "
                + chain.path("prio").asInt();
        String policy = chain.path("policy").asText("accept");
        return policy.equals("accept") ? hook : hook + " policy " + policy;
    }

    private static NftChain with(NftChain chain, JsonNode rule) {
        List<String> matches = new ArrayList<>();
        List<String> actions = new ArrayList<>();
        for (JsonNode expression : rule.path("expr")) {
            if (expression.has("match") && actions.isEmpty()) {
                matches.add(match(expression.get("match")));
            } else if (!expression.has("counter")) {
                actions.add(action(expression));
            }
        }
        List<NftRule> rules = new ArrayList<>(chain.rules());
        rules.add(new NftRule(String.join(" ", matches), String.join(" ", actions)));
        return new NftChain(chain.name(), chain.hook(), rules);
    }

    private static String match(JsonNode match) {
        JsonNode right = match.path("right");
        if (match.path("left").has("&")) {
            return maskedMark(match.path("left").path("&"), match.path("op").asText(), right);
        }
        String left = key(match.path("left"));
        String operator = match.path("op").asText().equals("!=") ? "!= " : "";
        String value = switch (left) {
            case "ip saddr", "ip daddr" -> intervals(32, right);
            case "ip6 saddr", "ip6 daddr" -> intervals(128, right);
            case "tcp sport", "tcp dport", "udp sport", "udp dport", "th sport", "th dport" -> intervals(16, right);
            case "iifname", "oifname" -> '"' + right.asText() + '"';
            case "meta mark", "ct mark" -> mark(right);
            case "ct state" -> NftRenderer.states(elements(right).map(JsonNode::asText));
            case "meta l4proto", "meta skuid", "meta skgid" -> right.isValueNode() ? right.asText() : text(right);
            default -> text(right);
        };
        return left + " " + operator + value;
    }

    private static String action(JsonNode expression) {
        if (expression.isEmpty()) {
            // nft prints a statement that it has no JSON for as a text.
            return text(expression);
        }
        String kind = expression.fieldNames().next();
        JsonNode body = expression.get(kind);
        return switch (kind) {
            case "jump" -> "jump " + body.path("target").asText();
            case "return", "accept", "drop" -> kind;
            case "redirect", "tproxy" ->
                body.size() == 1 && body.path("port").isInt()
                        ? kind + " to :" + body.path("port").asInt()
                        : text(expression);
            case "mangle" -> mangle(body);
            default -> text(expression);
        };
    }

    /** {@code {"op": "==", "left": {"&": [{"meta": {"key": "mark"}}, 4095]}, "right": 1337}}. */
    private static String maskedMark(JsonNode masked, String operator, JsonNode right) {
        return key(masked.path(0)) + " & " + mark(masked.path(1)) + " " + operator + " " + mark(right);
    }

    private static String mangle(JsonNode mangle) {
        String key = key(mangle.path("key"));
        JsonNode value = mangle.path("value");
        if (key.equals("ct mark") && (value.has("|") || value.has("&"))) {
            return key + " set " + partOfMark(value).map(NftRenderer::set).orElseGet(() -> text(value));
        }
        if (value.isObject()) {
            return key + " set " + key(value);
        }
        return key + " set " + (key.endsWith(" mark") ? mark(value) : value.asText());
    }

    /**
     * {@code {"|": [{"&": [{"ct": {"key": "mark"}}, 4294963473]}, 273]}}: {@code nft} prints the bits that are set
     * among those that are kept.
     */
    private static Optional<Mark> partOfMark(JsonNode value) {
        JsonNode kept = value.has("|") ? value.path("|").path(0) : value;
        int set = value.has("|") ? (int) value.path("|").path(1).longValue() : 0;
        int mask = kept.has("&") ? (int) kept.path("&").path(1).longValue() : Mark.ALL;
        JsonNode source = kept.has("&") ? kept.path("&").path(0) : kept;
        int changed = ~mask | set;
        return key(source).equals("ct mark") && changed != 0 ? Optional.of(new Mark(set, changed)) : Optional.empty();
    }

    /**
     * {@code {"payload": {"protocol": "tcp", "field": "dport"}}}, {@code {"meta": {"key": "mark"}}}, {@code {"ct":
     * ..}}.
     */
    private static String key(JsonNode node) {
        if (node.has("payload")) {
            return node.at("/payload/protocol").asText() + " "
                    + node.at("/payload/field").asText();
        }
        if (node.has("meta")) {
            String key = node.at("/meta/key").asText();
            return key.endsWith("ifname") ? key : "meta " + key;
        }
        return node.at("/ct").size() == 1 ? "ct " + node.at("/ct/key").asText() : text(node);
    }

    private static String mark(JsonNode node) {
        return node.canConvertToLong() ? NftRenderer.hex((int) node.longValue()) : text(node);
    }

    private static String intervals(int bits, JsonNode right) {
        try {
            return new Intervals(
                            bits, elements(right).map(node -> range(bits, node)).toList())
                    .text();
        } catch (IllegalArgumentException e) {
            return text(right);
        }
    }

    private static Range range(int bits, JsonNode node) {
        if (node.has("range")) {
            return new Range(
                    number(bits, node.get("range").path(0)),
                    number(bits, node.get("range").path(1)));
        }
        if (node.has("prefix")) {
            return Intervals.block(Cidr.parse(node.at("/prefix/addr").asText() + "/"
                    + node.at("/prefix/len").asText()));
        }
        BigInteger number = number(bits, node);
        return new Range(number, number);
    }

    private static BigInteger number(int bits, JsonNode node) {
        if (!node.isValueNode()) {
            throw new IllegalArgumentException("not a value: " + node);
        }
        return bits == 16 ? new BigInteger(node.asText()) : Intervals.number(InetAddress.ofLiteral(node.asText()));
    }

    /** The elements of a set or a list; what is neither stands for itself. */
    private static Stream<JsonNode> elements(JsonNode right) {
        JsonNode list = right.has("set") ? right.get("set") : right;
        return list.isArray() ? StreamSupport.stream(list.spliterator(), false) : Stream.of(list);
    }

    private static String text(JsonNode node) {
        return node.toString();
    }
}
