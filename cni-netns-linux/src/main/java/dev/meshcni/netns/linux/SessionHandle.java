// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * The rules of one network namespace, by the programs of this node.
 *
 * @param session the stay in the namespace
 * @param podRules what is done in it
 * @param tools the programs
 */
record SessionHandle(NamespaceSession session, PodRules podRules, Supplier<NodeTools> tools)
        implements NamespaceHandle {
    SessionHandle {
        Objects.requireNonNull(session, "session is null");
        Objects.requireNonNull(podRules, "podRules is null");
        Objects.requireNonNull(tools, "tools is null");
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
            podRules.apply(sockets, plan, layers);
            return null;
        });
    }

    @Override
    public List<RuleDifference> differences(RedirectPlan plan) {
        List<Layer> layers = tools.get().layers(plan);
        return session.inside(sockets -> podRules.differences(sockets, plan, layers));
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
