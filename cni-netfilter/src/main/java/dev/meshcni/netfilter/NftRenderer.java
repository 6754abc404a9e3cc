// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.netfilter.NftTable.NftChain;
import dev.meshcni.netfilter.NftTable.NftRule;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.ChainNames;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes rules for {@code nft(8)}: one table of our own for each family, which treats every packet as the rules for
 * iptables do.
 *
 * <p>A table of iptables becomes a set of chains with its name before theirs, entered at the same place of the packet's
 * way. Every value comes from a typed field of the model: no text of a pod reaches the output, except the names of
 * interfaces, which are of safe characters and quoted.
 */
public final class NftRenderer {
    private NftRenderer() {}

    /** The table of a family's rules. */
    public static NftTable table(RuleSet rules) {
        List<NftChain> chains = new ArrayList<>();
        rules.tables().forEach((table, all) -> all.forEach(chain -> chains.add(chain(rules.family(), table, chain))));
        return new NftTable(rules.family(), chains, List.of());
    }

    /**
     * Input for {@code nft -f} that replaces our table, or makes it, in one transaction. Deleting needs a table that is
     * there, so it is added first.
     */
    public static String script(RuleSet rules) {
        return deletion(rules.family()) + definition(rules);
    }

    /** Input for {@code nft -f} that makes our table, which must not be there. */
    public static String definition(RuleSet rules) {
        NftTable table = table(rules);
        StringBuilder out = new StringBuilder();
        out.append("table ").append(NftTable.name(rules.family())).append(" {\n");
        for (NftChain chain : table.chains()) {
            out.append("\tchain ").append(chain.name()).append(" {\n");
            if (!chain.hook().isEmpty()) {
                out.append("\t\t").append(chain.hook()).append("; policy accept;\n");
            }
            chain.rules()
                    .forEach(rule -> out.append("\t\t")
                            .append(rule.matches())
                            .append(rule.matches().isEmpty() ? "counter " : " counter ")
                            .append(rule.action())
                            .append('\n'));
            out.append("\t}\n");
        }
        return out.append("}\n").toString();
    }

    /** Input for {@code nft -f} that deletes our table of a family, whether it is there or not. */
    public static String deletion(IpFamily family) {
        String name = NftTable.name(family);
        return "add table " + name + "\ndelete table " + name + "\n";
    }

    private static NftChain chain(IpFamily family, Table table, Chain chain) {
        List<NftRule> rules = NftMerging.join(chain.rules()).stream()
                .flatMap(joined -> rules(family, table, joined))
                .toList();
        return new NftChain(name(table, chain.name()), chain.builtIn() ? hook(table, chain.name()) : "", rules);
    }

    /** The name of a chain in our table: {@code ISTIO_OUTPUT_DNS} of the raw table is {@code raw-istio-output-dns}. */
    public static String name(Table table, String chain) {
        return table.label() + "-" + chain.toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * The priorities are those of the tables of iptables ({@code nft(8)}, "Standard priority names"), except that of
     * nat.
     */
    private static String hook(Table table, String chain) {
        boolean output = chain.equals(ChainNames.OUTPUT);
        String entry = " hook " + chain.toLowerCase(Locale.ROOT) + " priority ";
        return switch (table) {
            case RAW -> "type filter" + entry + "-300";
            // A mark that is set on the way out has to be able to change the route.
            case MANGLE -> (output ? "type route" : "type filter") + entry + "-150";
            case NAT -> "type nat" + entry + NftTable.NAT_PRIORITY;
        };
    }

    private static Stream<NftRule> rules(IpFamily family, Table table, NftMerging.Joined joined) {
        String matches = matches(family, joined);
        NftRule rule = new NftRule(matches, action(table, joined.rule().target()));
        // Without a listener, iptables' TPROXY drops the packet; nft's tproxy would let it bypass the proxy.
        return joined.rule().target() instanceof Target.Tproxy
                ? Stream.of(rule, new NftRule(matches, "drop"))
                : Stream.of(rule);
    }

    private static String matches(IpFamily family, NftMerging.Joined joined) {
        List<Match> matches = joined.rule().matches();
        Optional<String> protocol = matches.stream()
                .filter(Match.Protocol.class::isInstance)
                .map(match -> ((Match.Protocol) match).protocol().label())
                .findFirst();
        String transport = protocol.orElse("th");
        boolean ports = !joined.ports().isEmpty() || matches.stream().anyMatch(NftRenderer::isOfPorts);
        Stream<String> own = matches.stream()
                // A match of a tcp port is one of the protocol as well.
                .filter(match -> !(ports && match instanceof Match.Protocol))
                .map(match -> match(NftTable.label(family), transport, match));
        Stream<String> portSet = joined.ports().isEmpty()
                ? Stream.empty()
                : Stream.of(
                        transport + " dport " + Intervals.ports(joined.ports()).text());
        Stream<String> blockSet = joined.blocks().isEmpty()
                ? Stream.empty()
                : Stream.of(NftTable.label(family) + " daddr "
                        + Intervals.blocks(joined.blocks()).text());
        return Stream.of(blockSet, portSet, own).flatMap(part -> part).collect(Collectors.joining(" "));
    }

    private static boolean isOfPorts(Match match) {
        return match instanceof Match.SourcePort
                || match instanceof Match.DestinationPort
                || match instanceof Match.DestinationPorts;
    }

    private static String match(String family, String transport, Match match) {
        return switch (match) {
            case Match.Source(var block, var negated) -> family + " saddr " + not(negated) + blockText(block);
            case Match.Destination(var block, var negated) -> family + " daddr " + not(negated) + blockText(block);
            case Match.InInterface(var name, var negated) -> "iifname " + not(negated) + '"' + name + '"';
            case Match.OutInterface(var name, var negated) -> "oifname " + not(negated) + '"' + name + '"';
            case Match.Protocol(var protocol) -> "meta l4proto " + protocol.label();
            case Match.SourcePort(var port, var negated) -> transport + " sport " + not(negated) + port;
            case Match.DestinationPort(var port, var negated) -> transport + " dport " + not(negated) + port;
            case Match.DestinationPorts(var ports, var negated) ->
                transport + " dport " + not(negated) + Intervals.ports(ports).text();
            case Match.UidOwner(var uid, var negated) -> "meta skuid " + not(negated) + uid;
            case Match.GidOwner(var gid, var negated) -> "meta skgid " + not(negated) + gid;
            case Match.ConnState(var states) ->
                "ct state " + states(states.stream().map(Enum::name));
            case Match.PacketMark(var mark, var negated) -> "meta mark " + masked(mark, negated);
            case Match.ConnectionMark(var mark, var negated) -> "ct mark " + masked(mark, negated);
        };
    }

    private static String action(Table table, Target target) {
        return switch (target) {
            case Target.Jump(var chain) -> "jump " + name(table, chain);
            case Target.Return _ -> "return";
            case Target.Accept _ -> "accept";
            case Target.Drop _ -> "drop";
            case Target.Redirect(var port) -> "redirect to :" + port;
            case Target.Tproxy(var port, var mark) -> "tproxy to :" + port + " meta mark set " + hex(mark) + " accept";
            case Target.SetMark(var mark) -> "meta mark set " + hex(mark);
            case Target.SetConnectionMark(var mark) -> "ct mark set " + set(mark);
            case Target.SaveMark _ -> "ct mark set meta mark";
            case Target.RestoreMark _ -> "meta mark set ct mark";
            case Target.CtZone(var zone) -> "ct zone set " + zone;
        };
    }

    /** Connection states in the one order that both sides of a comparison use. */
    static String states(Stream<String> names) {
        return names.map(name -> name.toLowerCase(Locale.ROOT)).sorted().collect(Collectors.joining(","));
    }

    /** What a mark is compared with: under a mask, {@code nft} needs the operator to be written. */
    private static String masked(Mark mark, boolean negated) {
        return mark.isWhole()
                ? not(negated) + hex(mark.value())
                : "& " + hex(mark.mask()) + (negated ? " != " : " == ") + hex(mark.value());
    }

    /** The value that sets a mark in that of the connection. */
    static String set(Mark mark) {
        if (mark.isWhole()) {
            return hex(mark.value());
        }
        String kept = "ct mark & " + hex(~mark.mask());
        return mark.value() == 0 ? kept : kept + " | " + hex(mark.value());
    }

    static String hex(int mark) {
        return "0x" + Integer.toHexString(mark);
    }

    private static String blockText(Cidr block) {
        return Intervals.blocks(List.of(block)).text();
    }

    private static String not(boolean negated) {
        return negated ? "!= " : "";
    }
}
