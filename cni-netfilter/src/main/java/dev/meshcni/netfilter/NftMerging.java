// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Target;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Joins rules that differ in one port or one block only, so that nf_tables looks the value up in a set instead of going
 * through a list. No packet is treated differently:
 *
 * <ul>
 *   <li>Rules for one destination port each never apply to the same packet unless protocol and port are equal. So
 *       within a run of such rules, those for other ports can change places; those for the same port keep their order.
 *   <li>Rules for blocks can apply to the same packet. So they are joined only where they stand next to each other and
 *       do the same, something that has the same effect once as several times.
 * </ul>
 */
public final class NftMerging {
    /**
     * Rules joined to one.
     *
     * @param rule what they have in common
     * @param ports the destination ports that they had one each; empty if none
     * @param blocks the destination blocks that they had one each; empty if none
     */
    public record Joined(Rule rule, List<Integer> ports, List<Cidr> blocks) {}

    private record Port(Optional<Match> protocol, int port) {}

    private final List<Joined> done = new ArrayList<>();
    private final Map<Rule, List<Integer>> portRun = new LinkedHashMap<>();
    private final List<Rule> portRunOrder = new ArrayList<>();
    private final Map<Port, Integer> lastOfPort = new HashMap<>();
    private final List<Cidr> blockRun = new ArrayList<>();
    private Optional<Rule> blockRunRule = Optional.empty();

    private NftMerging() {}

    /** The rules of a chain, joined where that changes nothing. */
    public static List<Joined> join(List<Rule> rules) {
        NftMerging merging = new NftMerging();
        rules.forEach(merging::add);
        merging.endPortRun();
        merging.endBlockRun();
        return merging.done;
    }

    private void add(Rule rule) {
        List<Match> ports =
                rule.matches().stream().filter(NftMerging::isOnePort).toList();
        List<Match> blocks =
                rule.matches().stream().filter(NftMerging::isOneBlock).toList();
        if (ports.size() == 1) {
            endBlockRun();
            addToPortRun(without(rule, ports.getFirst()), ((Match.DestinationPort) ports.getFirst()).port());
        } else if (blocks.size() == 1 && onceIsEnough(rule.target())) {
            endPortRun();
            addToBlockRun(without(rule, blocks.getFirst()), ((Match.Destination) blocks.getFirst()).block());
        } else {
            endPortRun();
            endBlockRun();
            done.add(new Joined(rule, List.of(), List.of()));
        }
    }

    private void addToPortRun(Rule rest, int port) {
        Optional<Match> protocol =
                rest.matches().stream().filter(Match.Protocol.class::isInstance).findFirst();
        Port key = new Port(protocol, port);
        int place = portRunOrder.indexOf(rest);
        if (place >= 0 && place < lastOfPort.getOrDefault(key, 0)) {
            // Joining would move this rule before one for the same port.
            endPortRun();
            place = -1;
        }
        if (place < 0) {
            place = portRunOrder.size();
            portRunOrder.add(rest);
        }
        portRun.computeIfAbsent(rest, _ -> new ArrayList<>()).add(port);
        lastOfPort.put(key, place);
    }

    private void addToBlockRun(Rule rest, Cidr block) {
        if (blockRunRule.filter(rest::equals).isEmpty()) {
            endBlockRun();
            blockRunRule = Optional.of(rest);
        }
        blockRun.add(block);
    }

    private void endPortRun() {
        portRun.forEach((rule, ports) -> done.add(new Joined(rule, List.copyOf(ports), List.of())));
        portRun.clear();
        portRunOrder.clear();
        lastOfPort.clear();
    }

    private void endBlockRun() {
        blockRunRule.ifPresent(rule -> done.add(new Joined(rule, List.of(), List.copyOf(blockRun))));
        blockRunRule = Optional.empty();
        blockRun.clear();
    }

    private static boolean isOnePort(Match match) {
        return match instanceof Match.DestinationPort port && !port.negated();
    }

    private static boolean isOneBlock(Match match) {
        return match instanceof Match.Destination destination && !destination.negated();
    }

    private static boolean onceIsEnough(Target target) {
        return switch (target) {
            case Target.Return _, Target.Accept _, Target.Drop _, Target.Jump _ -> true;
            default -> false;
        };
    }

    private static Rule without(Rule rule, Match match) {
        List<Match> rest = new ArrayList<>(rule.matches());
        rest.remove(match);
        return new Rule(rest, rule.target(), rule.origin());
    }
}
