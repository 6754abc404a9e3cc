// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.ChildProcess;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The rules of one network namespace, by the programs of this node.
 *
 * @param session the stay in the namespace
 * @param tools the programs
 * @param steps is told after each single change of the namespace that it was made
 */
record SessionHandle(NamespaceSession session, Supplier<NodeTools> tools, Consumer<String> steps)
        implements NamespaceHandle {
    /** The time for putting back what was there, when the time of the call is over. */
    private static final Duration UNDO_TIME = Duration.ofSeconds(10);

    SessionHandle {
        Objects.requireNonNull(session, "session is null");
        Objects.requireNonNull(tools, "tools is null");
        Objects.requireNonNull(steps, "steps is null");
    }

    @Override
    public NamespaceId id() {
        return session.id();
    }

    @Override
    public boolean isOwn() {
        return session.isOwn();
    }

    @Override
    public List<InetAddress> addresses() {
        return session.addresses();
    }

    @Override
    public void apply(RedirectPlan plan) {
        NodeTools found = tools.get();
        found.problems().forEach((family, problem) -> {
            if (plan.families().contains(family)) {
                throw new RedirectException(
                        found.name() + " does not work for " + family.label() + " on this node: " + problem);
            }
        });
        List<Layer> layers = found.layers(plan);
        session.<Void>inside(sockets -> {
            apply(sockets, plan, layers, steps);
            return null;
        });
    }

    /** Applies all layers and the routing, or none, in the namespace of the calling thread. */
    static void apply(NamespaceSockets sockets, RedirectPlan plan, List<Layer> layers, Consumer<String> steps) {
        Undo undo = new Undo();
        try {
            layers.forEach(layer -> layer.apply(sockets.netfilter(), undo, steps));
            if (AmbientTablesLayer.concerns(plan)) {
                new AmbientTablesLayer().apply(sockets.netfilter(), undo, steps);
            }
            new PodRouting(sockets.rtnetlink(), steps).apply(plan, undo);
        } catch (RuntimeException e) {
            throw ChildProcess.within(Deadline.after(UNDO_TIME), () -> undo.after(e));
        }
    }

    @Override
    public List<RuleDifference> differences(RedirectPlan plan) {
        NodeTools found = tools.get();
        return session.inside(sockets -> {
            NetfilterTables netfilter = sockets.netfilter();
            Optional<List<RuleDifference>> ofIstio = AmbientTablesLayer.concerns(plan)
                    ? AmbientTablesLayer.differences(netfilter, plan)
                    : Optional.empty();
            List<RuleDifference> differences = new ArrayList<>(ofIstio.orElse(List.of()));
            // Rules of one kind are enough.
            found.layers(ofIstio.isPresent() ? RedirectPlan.NONE : plan)
                    .forEach(layer -> differences.addAll(layer.differences(netfilter)));
            if (plan.ruleSets().isEmpty()) {
                differences.addAll(new AmbientTablesLayer().differences(netfilter));
            }
            differences.addAll(new PodRouting(sockets.rtnetlink(), steps).differences(plan));
            return List.copyOf(differences);
        });
    }

    @Override
    public void remove() {
        apply(RedirectPlan.NONE);
    }

    @Override
    public void close() {
        session.close();
    }
}
