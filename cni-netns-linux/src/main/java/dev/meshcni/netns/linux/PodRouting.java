// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.netns.linux.Rtnetlink.MarkRule;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RedirectPlan.TproxyRouting;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleDifference.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The part of a plan that no firewall holds: local addresses and the routing of transparent proxies. For the network
 * namespace of the calling thread.
 */
final class PodRouting {
    /** Everything that a plan of ours may have set; a plan that does not want it removes it. */
    private static final List<Cidr> OWN_ADDRESSES = List.of(Cidr.parse("::6/128"));

    /** The table of sidecars. Nobody else uses it in a pod, so all that leads there is ours. */
    private static final int OWN_TABLE = 133;

    /** The kernel shows it as it is in the namespace of the thread that asks. */
    private static final Path LOOPBACK_WITHOUT_IPV6 = Path.of("/proc/sys/net/ipv6/conf/lo/disable_ipv6");

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
            List<MarkRule> found = rtnetlink.markRules(family);
            // The rule is what tells that a route is ours: so the route is the first to come and the first to go.
            applyRoutes(family, wanted, found, undo);
            applyRules(family, wanted, found, undo);
        }
    }

    /** The differences from the plan. */
    List<RuleDifference> differences(RedirectPlan plan) {
        List<RuleDifference> differences = new ArrayList<>();
        for (Cidr address : concerned(plan)) {
            boolean wanted = plan.localAddresses().contains(address);
            compare(differences, wanted, rtnetlink.hasLocalAddress(address), "addresses of lo", address.toString());
        }
        if (plan.routing().isPresent()) {
            // Its local routes stay when it is set down, and lead nowhere.
            compare(differences, true, rtnetlink.loopbackUp(), "interfaces", "lo, up");
        }
        for (IpFamily family : IpFamily.values()) {
            Optional<TproxyRouting> routing = wanted(plan, family);
            List<MarkRule> found = rtnetlink.markRules(family);
            compareRules(differences, family, routing, found);
            for (int table : ownTables(family, routing, found)) {
                boolean wanted = routing.filter(to -> to.table() == table).isPresent() && takesRoutes(family);
                String detail = "local default dev lo table " + table;
                compare(differences, wanted, rtnetlink.hasLocalRoute(family, table), place(family, "routes"), detail);
            }
        }
        return differences;
    }

    private static void compareRules(
            List<RuleDifference> differences, IpFamily family, Optional<TproxyRouting> wanted, List<MarkRule> rules) {
        String place = place(family, "rules");
        boolean found = false;
        for (MarkRule rule : ours(rules, wanted)) {
            if (!found && wanted.filter(routing -> means(rule, routing)).isPresent()) {
                found = true;
            } else {
                compare(differences, false, true, place, text(rule));
            }
        }
        if (wanted.isPresent()) {
            compare(differences, true, found, place, text(rule(wanted.get())));
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

    private void applyRules(IpFamily family, Optional<TproxyRouting> wanted, List<MarkRule> found, Undo undo) {
        String what = "the " + family.label() + " routing rule";
        boolean kept = false;
        for (MarkRule rule : ours(found, wanted)) {
            if (!kept && wanted.filter(routing -> means(rule, routing)).isPresent()) {
                kept = true;
            } else {
                rtnetlink.deleteMarkRule(family, rule);
                push(undo, what, () -> rtnetlink.addMarkRule(family, rule));
            }
        }
        if (wanted.isPresent() && !kept) {
            MarkRule rule = rule(wanted.get());
            rtnetlink.addMarkRule(family, rule);
            push(undo, what, () -> rtnetlink.deleteMarkRule(family, rule));
        }
    }

    private void applyRoutes(IpFamily family, Optional<TproxyRouting> wanted, List<MarkRule> rules, Undo undo) {
        String what = "the " + family.label() + " local route";
        for (int table : ownTables(family, wanted, rules)) {
            boolean needed = wanted.filter(to -> to.table() == table).isPresent() && takesRoutes(family);
            boolean found = rtnetlink.hasLocalRoute(family, table);
            if (needed && !found) {
                rtnetlink.addLocalRoute(family, table);
                push(undo, what, () -> rtnetlink.deleteLocalRoute(family, table));
            } else if (found && !needed) {
                rtnetlink.deleteLocalRoute(family, table);
                push(undo, what, () -> rtnetlink.addLocalRoute(family, table));
            }
        }
    }

    private void push(Undo undo, String what, Runnable action) {
        undo.push(what, action);
        steps.accept(what);
    }

    private static List<MarkRule> ours(List<MarkRule> rules, Optional<TproxyRouting> wanted) {
        return rules.stream().filter(rule -> isOurs(rule, wanted)).toList();
    }

    /**
     * Rules of any whole mark that lead to the table of sidecars, and the very rule of ambient pods: its table is one
     * that examples of transparent proxies use.
     */
    private static boolean isOurs(MarkRule rule, Optional<TproxyRouting> wanted) {
        boolean ofSidecar = rule.mark().isWhole()
                && (rule.table() == OWN_TABLE
                        || wanted.filter(routing -> routing.mark().isWhole() && routing.table() == rule.table())
                                .isPresent());
        return ofSidecar || means(rule, AmbientRules.ROUTING);
    }

    /**
     * The tables whose local route is ours to make and to delete. The table of ambient pods is, as long as their rule
     * leads there and no rule of others does.
     */
    private SequencedSet<Integer> ownTables(IpFamily family, Optional<TproxyRouting> wanted, List<MarkRule> rules) {
        SequencedSet<Integer> tables = new LinkedHashSet<>();
        wanted.ifPresent(routing -> tables.add(routing.table()));
        tables.add(OWN_TABLE);
        long ambient =
                rules.stream().filter(rule -> means(rule, AmbientRules.ROUTING)).count();
        if (ambient > 0 && rtnetlink.rulesTo(family, AmbientRules.ROUTING.table()) == ambient) {
            tables.add(AmbientRules.ROUTING.table());
        }
        return tables;
    }

    /** Where the loopback interface has no IPv6, the kernel takes no such route, and no such packet needs one. */
    private static boolean takesRoutes(IpFamily family) {
        if (family == IpFamily.IPV4) {
            return true;
        }
        try {
            return Files.readString(LOOPBACK_WITHOUT_IPV6).strip().equals("0");
        } catch (NoSuchFileException _) {
            return false;
        } catch (IOException e) {
            throw new RedirectException("reading " + LOOPBACK_WITHOUT_IPV6 + " failed: " + e.getMessage(), e);
        }
    }

    private static Optional<TproxyRouting> wanted(RedirectPlan plan, IpFamily family) {
        return plan.routing().filter(_ -> plan.families().contains(family));
    }

    private static List<Cidr> concerned(RedirectPlan plan) {
        return Stream.concat(plan.localAddresses().stream(), OWN_ADDRESSES.stream())
                .distinct()
                .toList();
    }

    private static MarkRule rule(TproxyRouting routing) {
        return new MarkRule(routing.mark(), routing.table(), routing.preference());
    }

    private static boolean means(MarkRule rule, TproxyRouting routing) {
        return rule.mark().equals(routing.mark())
                && rule.table() == routing.table()
                && (routing.preference() == 0 || rule.priority() == routing.preference());
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

    private static String text(MarkRule rule) {
        return "fwmark " + rule.mark() + " lookup " + rule.table();
    }
}
