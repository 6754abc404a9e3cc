// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Hook;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.RuleText;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Draws a plan as a tree for a terminal: hook, table, rules, and below each jump the chain that it leads to. What a
 * rule is for stands behind it, or below it where a line has no room for both. A chain that several rules jump to is
 * drawn once, and of many neighbouring rules that do the same for the same reason the first are drawn.
 */
public final class TreeRenderer {
    /** The widest that lines are, in characters. */
    public static final int COLUMNS = 100;

    private static final int ORIGIN_COLUMN = 44;
    private static final String ORIGIN = "# ";
    private static final int MAX_ALIKE = 12;
    private static final int SHOWN_ALIKE = 6;

    private final StringBuilder out = new StringBuilder();
    private final RuleSet rules;
    private final int columns;
    private final Set<String> drawn = new HashSet<>();

    private TreeRenderer(RuleSet rules, int columns) {
        this.rules = rules;
        this.columns = columns;
    }

    /** The plan as lines of text for a terminal of the usual width. */
    public static String render(RedirectPlan plan) {
        return render(plan, COLUMNS);
    }

    /** The plan as lines of text of at most so many characters, as far as a single rule allows it. */
    public static String render(RedirectPlan plan, int columns) {
        StringBuilder text = new StringBuilder();
        plan.ruleSets().forEach(rules -> text.append(new TreeRenderer(rules, columns).render()));
        plan.localAddresses()
                .forEach(address -> text.append("address ").append(address).append(" on lo\n"));
        plan.routing()
                .ifPresent(routing -> text.append("packets marked ")
                        .append(RuleText.mark(routing.mark()))
                        .append(" are delivered locally (route table ")
                        .append(routing.table())
                        .append(")\n"));
        return text.toString();
    }

    private String render() {
        out.append(rules.family().label()).append('\n');
        List<Branch> branches = new ArrayList<>();
        for (Hook hook : Hook.values()) {
            for (Table table : Table.values()) {
                rules.chain(table, hook.chain()).ifPresent(chain -> branches.add(new Branch(table, chain)));
            }
        }
        List<Branch> unreached = new ArrayList<>();
        rules.tables()
                .forEach((table, chains) -> chains.stream()
                        .filter(chain -> !chain.builtIn() && !isJumpedTo(table, chain.name()))
                        .forEach(chain -> unreached.add(new Branch(table, chain))));
        branches.addAll(unreached);
        for (int i = 0; i < branches.size(); i++) {
            Branch branch = branches.get(i);
            boolean last = i == branches.size() - 1;
            String note = unreached.contains(branch) ? " (no rule leads here)" : "";
            out.append(last ? "└─ " : "├─ ")
                    .append(branch.table.label())
                    .append(' ')
                    .append(branch.chain.name())
                    .append(note)
                    .append('\n');
            draw(branch.table, branch.chain, last ? "   " : "│  ");
        }
        return out.toString();
    }

    private void draw(Table table, Chain chain, String indent) {
        List<Rule> rules = chain.rules();
        for (int start = 0; start < rules.size(); ) {
            int end = start;
            while (end < rules.size() && isLike(rules.get(start), rules.get(end))) {
                end++;
            }
            int shown = end - start > MAX_ALIKE ? start + SHOWN_ALIKE : end;
            for (int i = start; i < shown; i++) {
                draw(table, rules.get(i), indent, i == rules.size() - 1);
            }
            if (shown < end) {
                boolean last = end == rules.size();
                out.append(indent).append(last ? "└─ " : "├─ ").append("and ");
                out.append(end - shown).append(" more rules like these\n");
            }
            start = end;
        }
    }

    private void draw(Table table, Rule rule, String indent, boolean last) {
        String text =
                indent + (last ? "└─ " : "├─ ") + RuleText.condition(rule) + " → " + RuleText.target(rule.target());
        String deeper = indent + (last ? "   " : "│  ");
        if (rule.target() instanceof Target.Jump(String name)) {
            boolean first = drawn.add(table.label() + ' ' + name);
            line(first ? text : text + " (above)", deeper, rule);
            if (first) {
                rules.chain(table, name).ifPresent(next -> draw(table, next, deeper));
            }
        } else {
            line(text, deeper, rule);
        }
    }

    private static boolean isLike(Rule first, Rule rule) {
        return first.target().equals(rule.target()) && first.origin().equals(rule.origin());
    }

    private void line(String text, String below, Rule rule) {
        String origin = rule.origin().isEmpty() ? "" : ORIGIN + rule.origin();
        out.append(text);
        if (Math.max(text.length() + 1, ORIGIN_COLUMN) + origin.length() <= columns) {
            String gap = origin.isEmpty() ? "" : " ".repeat(Math.max(1, ORIGIN_COLUMN - text.length()));
            out.append(gap).append(origin).append('\n');
        } else {
            out.append('\n');
            below(below, origin);
        }
    }

    private void below(String stem, String origin) {
        String prefix = stem;
        String rest = origin;
        int end = rest.lastIndexOf(' ', columns - prefix.length());
        while (prefix.length() + rest.length() > columns && end > ORIGIN.length()) {
            out.append(prefix).append(rest, 0, end).append('\n');
            rest = rest.substring(end + 1);
            prefix = stem + " ".repeat(ORIGIN.length());
            end = rest.lastIndexOf(' ', columns - prefix.length());
        }
        out.append(prefix).append(rest).append('\n');
    }

    private boolean isJumpedTo(Table table, String name) {
        Target jump = new Target.Jump(name);
        return rules.tables().get(table).stream()
                .flatMap(chain -> chain.rules().stream())
                .anyMatch(rule -> rule.target().equals(jump));
    }

    private record Branch(Table table, Chain chain) {}
}
