// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads one rule of {@code iptables-save(8)}: what follows {@code -A CHAIN}. A rule that says anything our model has no
 * word for comes out as {@link SavedRule.Foreign}, never as a rule that means something else.
 */
final class SavedRuleParser {
    private static final Set<String> KNOWN_MODULES =
            Set.of("tcp", "udp", "multiport", "owner", "conntrack", "mark", "connmark", "comment");
    private static final String FULL_MASK = "0xffffffff";

    private final List<String> tokens;
    private final Set<String> chains;
    private final List<Match> matches = new ArrayList<>();
    private final Map<String, String> targetOptions = new HashMap<>();
    private String module = "";
    private String target = "";
    private int next;

    private SavedRuleParser(List<String> tokens, Set<String> chains) {
        this.tokens = tokens;
        this.chains = chains;
    }

    /**
     * Reads a rule.
     *
     * @param text what follows {@code -A CHAIN}
     * @param chains the chains of the table that are not built in: what a rule can jump to
     */
    static SavedRule parse(String text, Set<String> chains) {
        List<String> tokens = tokens(text);
        try {
            return new SavedRuleParser(tokens, chains)
                    .rule()
                    .<SavedRule>map(SavedRule.Known::new)
                    .orElseGet(() -> foreign(text, tokens));
        } catch (IllegalArgumentException e) {
            return foreign(text, tokens);
        }
    }

    private static SavedRule foreign(String text, List<String> tokens) {
        for (int i = 0; i + 1 < tokens.size(); i++) {
            if (tokens.get(i).equals("-j") || tokens.get(i).equals("-g")) {
                return new SavedRule.Foreign(text, tokens.get(i + 1));
            }
        }
        return new SavedRule.Foreign(text, "");
    }

    private Optional<Rule> rule() {
        while (next < tokens.size()) {
            boolean understood = target.isEmpty() ? matchOption() : targetOption();
            if (!understood) {
                return Optional.empty();
            }
        }
        return target().map(decided -> new Rule(matches, decided, ""));
    }

    private boolean matchOption() {
        boolean negated = tokens.get(next).equals("!");
        String option = value(negated ? 1 : 0);
        String value = value(negated ? 2 : 1);
        next += negated ? 3 : 2;
        return switch (option) {
            case "-s" -> matches.add(new Match.Source(Cidr.parse(value), negated));
            case "-d" -> matches.add(new Match.Destination(Cidr.parse(value), negated));
            case "-i" -> matches.add(new Match.InInterface(new InterfaceName(value), negated));
            case "-o" -> matches.add(new Match.OutInterface(new InterfaceName(value), negated));
            case "-p" -> !negated && matches.add(new Match.Protocol(protocol(value)));
            case "-m" -> enter(value);
            case "-j" -> aim(value);
            default -> moduleOption(option, value, negated);
        };
    }

    private boolean moduleOption(String option, String value, boolean negated) {
        return switch (module + " " + option) {
            case "tcp --sport", "udp --sport" -> matches.add(new Match.SourcePort(number(value), negated));
            case "tcp --dport", "udp --dport" -> matches.add(new Match.DestinationPort(number(value), negated));
            case "multiport --dports" -> matches.add(new Match.DestinationPorts(numbers(value), negated));
            case "owner --uid-owner" -> matches.add(new Match.UidOwner(id(value), negated));
            case "owner --gid-owner" -> matches.add(new Match.GidOwner(id(value), negated));
            case "conntrack --ctstate" -> !negated && matches.add(new Match.ConnState(states(value)));
            case "mark --mark" -> matches.add(new Match.PacketMark(mark(value), negated));
            case "connmark --mark" -> matches.add(new Match.ConnectionMark(mark(value), negated));
            case "comment --comment" -> true;
            default -> false;
        };
    }

    private boolean targetOption() {
        String option = tokens.get(next);
        if (option.equals("--save-mark") || option.equals("--restore-mark")) {
            targetOptions.put(option, "");
            next++;
            return true;
        }
        targetOptions.put(option, value(1));
        next += 2;
        return true;
    }

    private boolean enter(String name) {
        module = name;
        return KNOWN_MODULES.contains(name);
    }

    private boolean aim(String name) {
        target = name;
        return true;
    }

    private Optional<Target> target() {
        Optional<Target> found = switch (target) {
            case "RETURN" -> Optional.of(new Target.Return());
            case "ACCEPT" -> Optional.of(new Target.Accept());
            case "DROP" -> Optional.of(new Target.Drop());
            case "REDIRECT" -> option("--to-ports").map(port -> new Target.Redirect(number(port)));
            case "TPROXY" -> tproxy();
            case "MARK" -> option("--set-xmark").map(value -> new Target.SetMark(fullyMasked(value)));
            case "CONNMARK" -> connectionMark();
            case "CT" -> option("--zone").map(zone -> new Target.CtZone(number(zone)));
            default -> chains.contains(target) ? Optional.of(new Target.Jump(target)) : Optional.empty();
        };
        return targetOptions.isEmpty() ? found : Optional.empty();
    }

    private Optional<Target> tproxy() {
        String address = option("--on-ip").orElse("0.0.0.0");
        if (!address.equals("0.0.0.0") && !address.equals("::")) {
            return Optional.empty();
        }
        Optional<String> mark = option("--tproxy-mark");
        return option("--on-port").flatMap(port -> mark.map(m -> new Target.Tproxy(number(port), fullyMasked(m))));
    }

    private Optional<Target> connectionMark() {
        Optional<String> set = option("--set-xmark");
        if (set.isPresent()) {
            return set.map(value -> new Target.SetConnectionMark(mark(value)));
        }
        boolean full = option("--nfmask").orElse(FULL_MASK).equals(FULL_MASK)
                && option("--ctmask").orElse(FULL_MASK).equals(FULL_MASK);
        boolean save = option("--save-mark").isPresent();
        boolean restore = option("--restore-mark").isPresent();
        if (!full || save == restore) {
            return Optional.empty();
        }
        return Optional.of(save ? new Target.SaveMark() : new Target.RestoreMark());
    }

    /** The value of an option of the target. Options that are not read remain, and make the rule foreign. */
    private Optional<String> option(String name) {
        return Optional.ofNullable(targetOptions.remove(name));
    }

    private String value(int ahead) {
        if (next + ahead >= tokens.size()) {
            throw new IllegalArgumentException("an option without a value");
        }
        return tokens.get(next + ahead);
    }

    private static TransportProtocol protocol(String name) {
        return switch (name) {
            case "tcp", "6" -> TransportProtocol.TCP;
            case "udp", "17" -> TransportProtocol.UDP;
            default -> throw new IllegalArgumentException("protocol " + name);
        };
    }

    private static int number(String text) {
        return Integer.parseInt(text);
    }

    private static List<Integer> numbers(String text) {
        return List.of(text.split(",", -1)).stream()
                .map(SavedRuleParser::number)
                .toList();
    }

    /** A user or group id; the legacy variant of some versions prints one id as a range of one. */
    private static long id(String text) {
        int dash = text.indexOf('-');
        if (dash > 0 && !text.substring(0, dash).equals(text.substring(dash + 1))) {
            throw new IllegalArgumentException("a range of ids");
        }
        return Long.parseLong(dash > 0 ? text.substring(0, dash) : text);
    }

    private static Set<ConnectionState> states(String text) {
        EnumSet<ConnectionState> states = EnumSet.noneOf(ConnectionState.class);
        for (String name : text.split(",", -1)) {
            states.add(ConnectionState.valueOf(name));
        }
        return states;
    }

    private static Mark mark(String text) {
        int slash = text.indexOf('/');
        return slash < 0
                ? Mark.whole(hex(text))
                : new Mark(hex(text.substring(0, slash)), hex(text.substring(slash + 1)));
    }

    private static int fullyMasked(String text) {
        Mark mark = mark(text);
        if (text.indexOf('/') < 0 || !mark.isWhole()) {
            throw new IllegalArgumentException("a mark with a partial mask");
        }
        return mark.value();
    }

    private static int hex(String text) {
        if (!text.startsWith("0x")) {
            throw new IllegalArgumentException("not a hexadecimal number: " + text);
        }
        return Integer.parseUnsignedInt(text.substring(2), 16);
    }

    /** Splits at blanks; a quoted part, as comments are printed, is one token. */
    private static List<String> tokens(String text) {
        List<String> tokens = new ArrayList<>();
        StringBuilder token = new StringBuilder();
        boolean quoted = false;
        boolean started = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && quoted && i + 1 < text.length()) {
                token.append(text.charAt(++i));
            } else if (c == '"') {
                quoted = !quoted;
                started = true;
            } else if (c == ' ' && !quoted) {
                flush(tokens, token, started);
                started = false;
            } else {
                token.append(c);
                started = true;
            }
        }
        flush(tokens, token, started);
        return tokens;
    }

    private static void flush(List<String> tokens, StringBuilder token, boolean started) {
        if (started) {
            tokens.add(token.toString());
            token.setLength(0);
        }
    }
}
