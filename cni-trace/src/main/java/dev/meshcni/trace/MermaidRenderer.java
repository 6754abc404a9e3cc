// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.RuleText;
import dev.meshcni.rules.Table;
import dev.meshcni.rules.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Draws a plan as a Mermaid flow chart: chains are boxes, and what leads from one to the next stands at the arrow with
 * the numbers of the rules. Neighbouring rules that do the same share an arrow, so that a pod that excludes a thousand
 * ports still gives a picture.
 */
public final class MermaidRenderer {
    private static final int SHOWN_RULES = 4;

    private final StringBuilder out;
    private final RuleSet rules;

    private MermaidRenderer(RuleSet rules, StringBuilder out) {
        this.rules = rules;
        this.out = out;
    }

    /** The plan as a Mermaid document, without a Markdown fence. */
    public static String render(RedirectPlan plan) {
        StringBuilder out = new StringBuilder("flowchart LR\n");
        plan.ruleSets().forEach(rules -> new MermaidRenderer(rules, out).render());
        return out.toString();
    }

    private void render() {
        String family = rules.family().label();
        out.append("  subgraph ").append(family).append('\n');
        rules.tables().forEach((table, chains) -> {
            out.append("    subgraph ").append(family).append('_').append(table.label());
            out.append("[\"").append(family).append(' ').append(table.label()).append("\"]\n");
            chains.forEach(chain -> node(table, chain));
            out.append("    end\n");
            chains.forEach(chain -> arrows(table, chain));
        });
        out.append("  end\n");
    }

    private void node(Table table, Chain chain) {
        out.append("      ").append(id(table, chain.name()));
        out.append(chain.builtIn() ? "([" : "[");
        out.append('"').append(chain.name()).append('"');
        out.append(chain.builtIn() ? "])" : "]").append('\n');
    }

    private void arrows(Table table, Chain chain) {
        for (Group group : groups(chain)) {
            out.append("    ").append(id(table, chain.name()));
            out.append(" -->|\"").append(group.label()).append("\"| ");
            if (group.target() instanceof Target.Jump(String name)) {
                out.append(id(table, name)).append('\n');
            } else {
                String text = RuleText.target(group.target());
                String end = id(table, chain.name()) + '_' + group.first();
                out.append(end).append("(\"").append(text).append("\")\n");
            }
        }
    }

    private static List<Group> groups(Chain chain) {
        List<Group> groups = new ArrayList<>();
        Map<Integer, List<Rule>> runs = new LinkedHashMap<>();
        int start = 0;
        for (int i = 0; i < chain.rules().size(); i++) {
            if (!chain.rules().get(i).target().equals(chain.rules().get(start).target())) {
                start = i;
            }
            runs.computeIfAbsent(start, _ -> new ArrayList<>())
                    .add(chain.rules().get(i));
        }
        runs.forEach((first, rules) -> groups.add(new Group(first + 1, rules)));
        return groups;
    }

    private String id(Table table, String chain) {
        return rules.family().label() + '_' + table.label() + '_' + chain;
    }

    /** Rules that follow each other and do the same. */
    private record Group(int first, List<Rule> rules) {
        Target target() {
            return rules.getFirst().target();
        }

        String label() {
            List<String> lines = new ArrayList<>();
            for (int i = 0; i < Math.min(rules.size(), SHOWN_RULES); i++) {
                lines.add(first + i + ": " + RuleText.condition(rules.get(i)));
            }
            if (rules.size() > SHOWN_RULES) {
                lines.add("and " + (rules.size() - SHOWN_RULES) + " more");
            }
            return String.join("<br/>", lines);
        }
    }
}
