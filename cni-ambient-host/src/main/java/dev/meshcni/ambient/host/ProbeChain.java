// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.api.IpNet;
import dev.meshcni.netlink.IpSet;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The rules of one family for {@code iptables}: those of Istio's node agent, with its names. So each of the two finds
 * what the other one has left as its own.
 *
 * @param source the source address that probes get
 */
record ProbeChain(IpFamily family, Cidr source) {
    private static final String CHAIN = IstioExemptions.CHAIN;
    private static final String JUMP = "-A POSTROUTING -j " + CHAIN;

    /** The set that the rules go by. */
    static IpSet set(IpFamily family) {
        return IpSet.ofAddresses(IstioExemptions.set(family), Families.proto(family));
    }

    /** What {@code iptables-restore} loads where there is nothing of it yet. */
    String text() {
        return String.join(
                        "\n",
                        "* nat",
                        "-N " + CHAIN,
                        "-I POSTROUTING 1 -j " + CHAIN,
                        "-A " + CHAIN + " -m owner --socket-exists -p tcp" + rest(),
                        "COMMIT")
                + "\n";
    }

    /**
     * What differs from what should be there. The jump may stand behind others: other programs put theirs first, too.
     *
     * @param saved the table nat as {@code iptables-save} prints it
     */
    List<String> objections(List<String> saved) {
        List<String> objections = new ArrayList<>();
        String label = Families.label(family);
        if (!saved.contains(JUMP)) {
            objections.add("the jump of " + label + " from POSTROUTING to " + CHAIN + " is missing");
        }
        List<String> rules = rules(saved);
        if (!rules.contains(rule())) {
            objections.add("the rule of " + label + " is missing");
        }
        if (Collections.frequency(saved, JUMP) > 1 || rules.size() > (rules.contains(rule()) ? 1 : 0)) {
            objections.add("the chain " + CHAIN + " of " + label + " has rules, or jumps to it, that are not wanted");
        }
        return objections;
    }

    /** What {@code iptables-restore} loads to make the rules what they should be; empty if they are. */
    String change(List<String> saved) {
        if (objections(saved).isEmpty()) {
            return "";
        }
        if (!isThere(saved)) {
            return text();
        }
        List<String> lines = new ArrayList<>(List.of("*nat", ":" + CHAIN + " - [0:0]"));
        int jumps = Collections.frequency(saved, JUMP);
        lines.addAll(Collections.nCopies(Math.max(0, jumps - 1), "-D POSTROUTING -j " + CHAIN));
        lines.add(rule());
        if (jumps == 0) {
            lines.add("-I POSTROUTING 1 -j " + CHAIN);
        }
        lines.add("COMMIT");
        return String.join("\n", lines) + "\n";
    }

    /** Returns whether there is anything of it. */
    static boolean isThere(List<String> saved) {
        return saved.stream().anyMatch(line -> line.startsWith(":" + CHAIN + " "));
    }

    /** What {@code iptables-restore} loads to take everything out; empty if nothing is there. */
    static String removal(List<String> saved) {
        if (!isThere(saved)) {
            return "";
        }
        List<String> lines = new ArrayList<>(List.of("*nat"));
        lines.addAll(Collections.nCopies(Collections.frequency(saved, JUMP), "-D POSTROUTING -j " + CHAIN));
        lines.addAll(List.of("-F " + CHAIN, "-X " + CHAIN, "COMMIT"));
        return String.join("\n", lines) + "\n";
    }

    /** The rule as {@code iptables-save} prints it. */
    private String rule() {
        return "-A " + CHAIN + " -p tcp -m owner --socket-exists" + rest();
    }

    private String rest() {
        return " -m set --match-set " + set(family).name() + " dst -j SNAT --to-source " + IpNet.text(source.address());
    }

    private static List<String> rules(List<String> saved) {
        return saved.stream()
                .filter(line -> line.startsWith("-A " + CHAIN + " "))
                .toList();
    }
}
