// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.netns.linux.Rtnetlink.MarkRule;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RedirectPlan.TproxyRouting;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleDifference.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The part of a plan that no firewall holds: local addresses and the routing of TPROXY. For the network namespace of
 * the calling thread.
 */
final class PodRouting {
    /** Everything that a plan of ours may have set; a plan that does not want it removes it. */
    private static final List<Cidr> OWN_ADDRESSES = List.of(Cidr.parse("::6/128"));

    private static final int OWN_TABLE = 133;

    private final Rtnetlink rtnetlink;
    private final Consumer<String> steps;

    PodRouting(Rtnetlink rtnetlink, Consumer<String> steps) {
        this.rtnetlink = rtnetlink;
        this.steps = steps;
    }

    /** Makes addresses, rules and routes be what the plan says; each change is pushed to what takes it back. */
    void apply(RedirectPlan plan, Undo undo) {
        for (Cidr address : concerned(plan)) {
            applyAddress(address, plan.localAddresses().contains(address), undo);
        }
        if (plan.routing().isPresent() && !rtnetlink.loopbackUp()) {
            // The kernel takes no route through an interface that is down.
            rtnetlink.setLoopbackUp(true);
            push(undo, "the loopback interface", () -> rtnetlink.setLoopbackUp(false));
        }
        for (IpFamily family : IpFamily.values()) {
            Optional<TproxyRouting> wanted = wanted(plan, family);
            applyRules(family, wanted, undo);
            applyRoute(family, wanted, undo);
        }
    }

    /** The differences from the plan. */
    List<RuleDifference> differences(RedirectPlan plan) {
        List<RuleDifference> differences = new ArrayList<>();
        for (Cidr address : concerned(plan)) {
            boolean wanted = plan.localAddresses().contains(address);
            compare(differences, wanted, rtnetlink.hasLocalAddress(address), "addresses of lo", address.toString());
        }
        for (IpFamily family : IpFamily.values()) {
            Optional<TproxyRouting> routing = wanted(plan, family);
            compareRules(differences, family, routing);
            int table = routing.map(TproxyRouting::table).orElse(OWN_TABLE);
            compare(
                    differences,
                    routing.isPresent(),
                    rtnetlink.hasLocalRoute(family, table),
                    place(family, "routes"),
                    "local default dev lo table " + table);
        }
        return differences;
    }

    private void compareRules(List<RuleDifference> differences, IpFamily family, Optional<TproxyRouting> wanted) {
        String place = place(family, "rules");
        boolean found = false;
        for (MarkRule rule : ours(family, wanted)) {
            if (!found && wanted.filter(routing -> means(rule, routing)).isPresent()) {
                found = true;
            } else {
                compare(differences, false, true, place, text(rule.mark(), rule.table()));
            }
        }
        if (wanted.isPresent()) {
            compare(
                    differences,
                    true,
                    found,
                    place,
                    text(wanted.get().mark(), wanted.get().table()));
        }
    }

    private void applyAddress(Cidr address, boolean wanted, Undo undo) {
        boolean found = rtnetlink.hasLocalAddress(address);
        if (wanted && !found) {
            rtnetlink.addLocalAddress(address);
            push(undo, "the address " + address, () -> rtnetlink.deleteLocalAddress(address));
        } else if (found && !wanted) {
            rtnetlink.deleteLocalAddress(address);
            push(undo, "the address " + address, () -> rtnetlink.addLocalAddress(address));
        }
    }

    private void applyRules(IpFamily family, Optional<TproxyRouting> wanted, Undo undo) {
        String what = "the " + family.label() + " routing rule";
        boolean kept = false;
        for (MarkRule rule : ours(family, wanted)) {
            if (!kept && wanted.filter(routing -> means(rule, routing)).isPresent()) {
                kept = true;
            } else {
                rtnetlink.deleteMarkRule(family, rule);
                push(undo, what, () -> rtnetlink.addMarkRule(family, rule));
            }
        }
        if (wanted.isPresent() && !kept) {
            MarkRule rule = new MarkRule(wanted.get().mark(), wanted.get().table(), 0);
            rtnetlink.addMarkRule(family, rule);
            push(undo, what, () -> rtnetlink.deleteMarkRule(family, rule));
        }
    }

    private void applyRoute(IpFamily family, Optional<TproxyRouting> wanted, Undo undo) {
        int table = wanted.map(TproxyRouting::table).orElse(OWN_TABLE);
        String what = "the " + family.label() + " local route";
        boolean found = rtnetlink.hasLocalRoute(family, table);
        if (wanted.isPresent() && !found) {
            rtnetlink.addLocalRoute(family, table);
            push(undo, what, () -> rtnetlink.deleteLocalRoute(family, table));
        } else if (found && wanted.isEmpty()) {
            rtnetlink.deleteLocalRoute(family, table);
            push(undo, what, () -> rtnetlink.addLocalRoute(family, table));
        }
    }

    private void push(Undo undo, String what, Runnable action) {
        undo.push(what, action);
        steps.accept(what);
    }

    /** Rules of any mark that lead to our table, and nothing else does. */
    private List<MarkRule> ours(IpFamily family, Optional<TproxyRouting> wanted) {
        int table = wanted.map(TproxyRouting::table).orElse(OWN_TABLE);
        return rtnetlink.markRules(family).stream()
                .filter(rule -> rule.table() == OWN_TABLE || rule.table() == table)
                .toList();
    }

    private static Optional<TproxyRouting> wanted(RedirectPlan plan, IpFamily family) {
        return plan.routing().filter(_ -> plan.families().contains(family));
    }

    private static List<Cidr> concerned(RedirectPlan plan) {
        return Stream.concat(plan.localAddresses().stream(), OWN_ADDRESSES.stream())
                .distinct()
                .toList();
    }

    private static boolean means(MarkRule rule, TproxyRouting routing) {
        return rule.mark() == routing.mark() && rule.table() == routing.table();
    }

    private static void compare(
            List<RuleDifference> differences, boolean wanted, boolean found, String place, String detail) {
        if (wanted != found) {
            differences.add(new RuleDifference(wanted ? Kind.MISSING : Kind.UNEXPECTED, place, detail));
        }
    }

    private static String place(IpFamily family, String what) {
        return family.label() + " routing " + what;
    }

    private static String text(int mark, int table) {
        return "fwmark 0x" + Integer.toHexString(mark) + " lookup " + table;
    }
}
