// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Target;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Writes rules in the notation of {@code iptables-restore(8)} and {@code ip6tables-restore(8)}.
 *
 * <p>Options are written as {@code iptables-save(8)} prints them, so that what was meant and what the kernel shows can
 * be read side by side. Every value comes from a typed field of the model: no text of a pod reaches the output.
 */
public final class IptablesRenderer {
    private static final String FULL_MASK = "0xffffffff";

    private IptablesRenderer() {}

    /**
     * Input for {@code iptables-restore --noflush} in a namespace that has no rules of ours. Chains of our own are
     * declared, which also empties them; our rules in built-in chains go behind those of others, leading ones before.
     */
    public static String render(RuleSet rules) {
        StringBuilder out = new StringBuilder();
        rules.tables().forEach((table, chains) -> {
            out.append('*').append(table.label()).append('\n');
            declareOwnChains(out, chains);
            chains.forEach(chain -> appendRules(out, chain));
            out.append("COMMIT\n");
        });
        return out.toString();
    }

    /** The matches and the target of a rule: what follows {@code -A CHAIN}. */
    public static String rule(Rule rule) {
        String matches = rule.matches().stream().map(IptablesRenderer::match).collect(Collectors.joining(" "));
        return (matches.isEmpty() ? "" : matches + " ") + "-j " + target(rule.target());
    }

    static void declareOwnChains(StringBuilder out, List<Chain> chains) {
        chains.stream()
                .filter(chain -> !chain.builtIn())
                .forEach(chain -> out.append(':').append(chain.name()).append(" - [0:0]\n"));
    }

    static void append(StringBuilder out, String chain, Rule rule) {
        out.append("-A ").append(chain).append(' ').append(rule(rule)).append('\n');
    }

    static void insert(StringBuilder out, String chain, int position, Rule rule) {
        out.append("-I ").append(chain).append(' ').append(position).append(' ');
        out.append(rule(rule)).append('\n');
    }

    private static void appendRules(StringBuilder out, Chain chain) {
        for (int i = 0; i < chain.rules().size(); i++) {
            if (i < chain.leading()) {
                insert(out, chain.name(), i + 1, chain.rules().get(i));
            } else {
                append(out, chain.name(), chain.rules().get(i));
            }
        }
    }

    private static String match(Match match) {
        return switch (match) {
            case Match.Source(var block, var negated) -> not(negated) + "-s " + block;
            case Match.Destination(var block, var negated) -> not(negated) + "-d " + block;
            case Match.InInterface(var name, var negated) -> not(negated) + "-i " + name;
            case Match.OutInterface(var name, var negated) -> not(negated) + "-o " + name;
            case Match.Protocol(var protocol) -> "-p " + protocol.label();
            case Match.SourcePort(var port, var negated) -> not(negated) + "--sport " + port;
            case Match.DestinationPort(var port, var negated) -> not(negated) + "--dport " + port;
            case Match.DestinationPorts(var ports, var negated) ->
                "-m multiport " + not(negated) + "--dports "
                        + ports.stream().map(String::valueOf).collect(Collectors.joining(","));
            case Match.UidOwner(var uid, var negated) -> "-m owner " + not(negated) + "--uid-owner " + uid;
            case Match.GidOwner(var gid, var negated) -> "-m owner " + not(negated) + "--gid-owner " + gid;
            case Match.ConnState(var states) ->
                "-m conntrack --ctstate "
                        + states.stream().sorted().map(Enum::name).collect(Collectors.joining(","));
            case Match.PacketMark(var mark, var negated) -> "-m mark " + not(negated) + "--mark " + mark;
            case Match.ConnectionMark(var mark, var negated) -> "-m connmark " + not(negated) + "--mark " + mark;
        };
    }

    private static String target(Target target) {
        return switch (target) {
            case Target.Jump(var chain) -> chain;
            case Target.Return _ -> "RETURN";
            case Target.Accept _ -> "ACCEPT";
            case Target.Drop _ -> "DROP";
            case Target.Redirect(var port) -> "REDIRECT --to-ports " + port;
            case Target.Tproxy(var port, var mark) -> "TPROXY --on-port " + port + " --tproxy-mark " + masked(mark);
            case Target.SetMark(var mark) -> "MARK --set-xmark " + masked(mark);
            case Target.SetConnectionMark(var mark) ->
                "CONNMARK --set-xmark " + hex(mark.value()) + "/" + hex(mark.mask());
            case Target.SaveMark _ -> "CONNMARK --save-mark --nfmask " + FULL_MASK + " --ctmask " + FULL_MASK;
            case Target.RestoreMark _ -> "CONNMARK --restore-mark --nfmask " + FULL_MASK + " --ctmask " + FULL_MASK;
            case Target.CtZone(var zone) -> "CT --zone " + zone;
        };
    }

    private static String not(boolean negated) {
        return negated ? "! " : "";
    }

    private static String hex(int mark) {
        return "0x" + Integer.toHexString(mark);
    }

    private static String masked(int mark) {
        return hex(mark) + "/" + FULL_MASK;
    }
}
