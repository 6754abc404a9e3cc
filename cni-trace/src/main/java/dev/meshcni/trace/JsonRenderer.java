// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.util.List;

/**
 * Writes a plan as JSON for other programs. The format is stable: {@code docs/rules-json.md} describes it, members may
 * be added, and any other change raises {@code version}.
 *
 * <pre>{@code
 * {"version": 1,
 *  "localAddresses": ["::6/128"],
 *  "tproxyRouting": {"mark": 1337, "table": 133},
 *  "ruleSets": [{"family": "ipv4", "tables": [{"name": "nat", "chains": [
 *    {"name": "OUTPUT", "builtIn": true, "leading": 0, "rules": [
 *      {"matches": [{"type": "protocol", "value": "tcp"}],
 *       "target": {"type": "jump", "chain": "ISTIO_OUTPUT"},
 *       "origin": "outbound traffic is checked (always)"}]}]}]}]}
 * }</pre>
 *
 * <p>{@code tproxyRouting} is absent where the plan needs none, {@code negated} is present, and true, only in a match
 * that applies to all but its value, and {@code mask} stands beside a mark only if not all of its bits are meant.
 */
public final class JsonRenderer {
    /** The version of the format. */
    public static final int VERSION = 1;

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private JsonRenderer() {}

    /** The plan as JSON text with line breaks, ending with one. */
    public static String render(RedirectPlan plan) {
        return plan(plan).toPrettyString() + "\n";
    }

    private static ObjectNode plan(RedirectPlan plan) {
        ObjectNode node = NODES.objectNode().put("version", VERSION);
        ArrayNode addresses = node.putArray("localAddresses");
        plan.localAddresses().forEach(address -> addresses.add(address.toString()));
        plan.routing().ifPresent(routing -> {
            ObjectNode object = mark(node.putObject("tproxyRouting"), "mark", routing.mark())
                    .put("table", routing.table());
            if (routing.preference() != 0) {
                object.put("preference", routing.preference());
            }
        });
        ArrayNode ruleSets = node.putArray("ruleSets");
        plan.ruleSets().forEach(rules -> ruleSets.add(ruleSet(rules)));
        return node;
    }

    private static ObjectNode ruleSet(RuleSet rules) {
        ObjectNode node = NODES.objectNode().put("family", rules.family().label());
        ArrayNode tables = node.putArray("tables");
        rules.tables().forEach((table, chains) -> {
            ArrayNode nodes = tables.addObject().put("name", table.label()).putArray("chains");
            chains.forEach(chain -> nodes.add(chain(chain)));
        });
        return node;
    }

    private static ObjectNode chain(Chain chain) {
        ObjectNode node = NODES.objectNode()
                .put("name", chain.name())
                .put("builtIn", chain.builtIn())
                .put("leading", chain.leading());
        ArrayNode rules = node.putArray("rules");
        chain.rules().forEach(rule -> rules.add(rule(rule)));
        return node;
    }

    private static ObjectNode rule(Rule rule) {
        ObjectNode node = NODES.objectNode();
        ArrayNode matches = node.putArray("matches");
        rule.matches().forEach(match -> matches.add(match(match)));
        node.set("target", target(rule.target()));
        return node.put("origin", rule.origin());
    }

    private static ObjectNode match(Match match) {
        return switch (match) {
            case Match.Source(Cidr block, boolean negated) -> match("source", block.toString(), negated);
            case Match.Destination(Cidr block, boolean negated) -> match("destination", block.toString(), negated);
            case Match.InInterface(InterfaceName name, boolean negated) -> match("inInterface", name.value(), negated);
            case Match.OutInterface(InterfaceName name, boolean negated) ->
                match("outInterface", name.value(), negated);
            case Match.Protocol(TransportProtocol protocol) -> match("protocol", protocol.label(), false);
            case Match.SourcePort(int port, boolean negated) -> match("sourcePort", port, negated);
            case Match.DestinationPort(int port, boolean negated) -> match("destinationPort", port, negated);
            case Match.DestinationPorts(List<Integer> ports, boolean negated) -> {
                ObjectNode node = NODES.objectNode().put("type", "destinationPorts");
                ports.forEach(node.putArray("value")::add);
                yield negated(node, negated);
            }
            case Match.UidOwner(long uid, boolean negated) -> match("uidOwner", uid, negated);
            case Match.GidOwner(long gid, boolean negated) -> match("gidOwner", gid, negated);
            case Match.ConnState(var states) -> {
                ObjectNode node = NODES.objectNode().put("type", "connectionState");
                ArrayNode names = node.putArray("value");
                states.stream().sorted().forEach(state -> names.add(state.name()));
                yield node;
            }
            case Match.PacketMark(Mark mark, boolean negated) -> match("packetMark", mark, negated);
            case Match.ConnectionMark(Mark mark, boolean negated) -> match("connectionMark", mark, negated);
        };
    }

    private static ObjectNode target(Target target) {
        ObjectNode node = NODES.objectNode();
        return switch (target) {
            case Target.Jump(String chain) -> node.put("type", "jump").put("chain", chain);
            case Target.Return _ -> node.put("type", "return");
            case Target.Accept _ -> node.put("type", "accept");
            case Target.Drop _ -> node.put("type", "drop");
            case Target.Redirect(int port) -> node.put("type", "redirect").put("port", port);
            case Target.Tproxy(int port, int mark) ->
                node.put("type", "tproxy").put("port", port).put("mark", mark);
            case Target.SetMark(int mark) -> node.put("type", "setMark").put("mark", mark);
            case Target.SetConnectionMark(Mark mark) -> mark(node.put("type", "setConnectionMark"), "mark", mark);
            case Target.SaveMark _ -> node.put("type", "saveMark");
            case Target.RestoreMark _ -> node.put("type", "restoreMark");
            case Target.CtZone(int zone) -> node.put("type", "ctZone").put("zone", zone);
        };
    }

    private static ObjectNode match(String type, String value, boolean negated) {
        return negated(NODES.objectNode().put("type", type).put("value", value), negated);
    }

    private static ObjectNode match(String type, long value, boolean negated) {
        return negated(NODES.objectNode().put("type", type).put("value", value), negated);
    }

    private static ObjectNode match(String type, Mark mark, boolean negated) {
        return negated(mark(NODES.objectNode().put("type", type), "value", mark), negated);
    }

    /** A mark, and the bits of it that are meant where these are not all. */
    private static ObjectNode mark(ObjectNode node, String member, Mark mark) {
        node.put(member, mark.value());
        return mark.isWhole() ? node : node.put("mask", mark.mask());
    }

    private static ObjectNode negated(ObjectNode match, boolean negated) {
        return negated ? match.put("negated", true) : match;
    }
}
