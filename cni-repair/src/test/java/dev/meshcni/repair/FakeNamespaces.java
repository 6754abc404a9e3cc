// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Chain;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The namespaces of a node in memory: which pods have one, and which plan each holds. */
final class FakeNamespaces implements RedirectBackend, PodNetnsFinder {
    private static final RedirectPlan NOTHING = new RedirectPlan(List.of(), List.of(), Optional.empty());
    private static final RedirectPlan OTHERS = new RedirectPlan(
            List.of(new RuleSet(IpFamily.IPV4, Map.of(Table.NAT, List.of(new Chain("ISTIO_OUTPUT", 0, List.of()))))),
            List.of(),
            Optional.empty());

    private final Map<String, PodNetns> byPod = new HashMap<>();
    private final Map<Path, RedirectPlan> plans = new HashMap<>();
    private final Set<Path> garbled = new HashSet<>();
    private final Set<Path> asPlanned = new HashSet<>();
    private int looks;
    private int applied;
    private int failures;
    private boolean hidden;

    /** Gives a pod a namespace that holds nothing. */
    synchronized void add(String podUid) {
        long pid = 1000L + byPod.size();
        byPod.put(podUid, new PodNetns(Path.of("/proc/" + pid + "/ns/net"), pid, pid));
    }

    /** Changes what is in the pod's namespace to something that nobody planned. */
    synchronized void change(String podUid) {
        plans.put(byPod.get(podUid).path(), OTHERS);
    }

    /** Makes what is in the pod's namespace something that nobody can read. */
    synchronized void garble(String podUid) {
        garbled.add(byPod.get(podUid).path());
    }

    /** Puts into the pod's namespace whatever is planned for it, as another process may. */
    synchronized void redirect(String podUid) {
        asPlanned.add(byPod.get(podUid).path());
    }

    synchronized void clear(String podUid) {
        plans.remove(byPod.get(podUid).path());
    }

    synchronized boolean isRedirected(String podUid) {
        RedirectPlan plan = plans.get(byPod.get(podUid).path());
        return plan != null && !plan.ruleSets().isEmpty();
    }

    /** Lets the next changes fail. */
    synchronized void fail(int times) {
        failures = times;
    }

    /** Takes the right away to see the host's processes. */
    synchronized void hide() {
        hidden = true;
    }

    synchronized int looks() {
        return looks;
    }

    synchronized int applied() {
        return applied;
    }

    @Override
    public synchronized Map<String, PodNetns> find(Set<String> podUids) {
        if (hidden) {
            throw new DaemonException("hidden");
        }
        looks++;
        Map<String, PodNetns> found = new HashMap<>(byPod);
        found.keySet().retainAll(podUids);
        return found;
    }

    @Override
    public boolean isStill(PodNetns netns) {
        return true;
    }

    @Override
    public String name() {
        return "fake";
    }

    @Override
    public String detect() {
        return "fake";
    }

    @Override
    public NamespaceHandle open(Path netns, Deadline deadline) {
        return new Handle(netns);
    }

    private synchronized void apply(Path netns, RedirectPlan plan) {
        if (failures > 0) {
            failures--;
            throw new RedirectException("injected");
        }
        applied++;
        plans.put(netns, plan);
    }

    private synchronized List<RuleDifference> differences(Path netns, RedirectPlan plan) {
        if (garbled.contains(netns)) {
            throw new UnreadableRulesException("garbled");
        }
        RedirectPlan there = plans.getOrDefault(netns, NOTHING);
        if (asPlanned.contains(netns) || there.equals(plan)) {
            return List.of();
        }
        RuleDifference.Kind kind =
                hasRules(there) && !hasRules(plan) ? RuleDifference.Kind.UNEXPECTED : RuleDifference.Kind.MISSING;
        return List.of(new RuleDifference(kind, "ipv4 nat", "something"));
    }

    private static boolean hasRules(RedirectPlan plan) {
        return plan.ruleSets().stream().anyMatch(set -> !set.tables().isEmpty());
    }

    private synchronized void remove(Path netns) {
        plans.remove(netns);
    }

    private final class Handle implements NamespaceHandle {
        private final Path netns;

        Handle(Path netns) {
            this.netns = netns;
        }

        @Override
        public NamespaceId id() {
            return new NamespaceId(4, netns.hashCode(), netns.hashCode());
        }

        @Override
        public boolean isOwn() {
            return false;
        }

        @Override
        public List<InetAddress> addresses() {
            return List.of();
        }

        @Override
        public void apply(RedirectPlan plan) {
            FakeNamespaces.this.apply(netns, plan);
        }

        @Override
        public List<RuleDifference> differences(RedirectPlan plan) {
            return FakeNamespaces.this.differences(netns, plan);
        }

        @Override
        public void remove() {
            FakeNamespaces.this.remove(netns);
        }

        @Override
        public void close() {
            // It holds nothing.
        }
    }
}
