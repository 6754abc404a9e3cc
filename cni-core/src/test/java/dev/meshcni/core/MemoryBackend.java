// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.RuleDifference;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A backend that keeps plans in memory, for what the handler does around a backend. */
final class MemoryBackend implements RedirectBackend {
    /** By the path that leads there; a path that is not listed leads to a namespace of its own. */
    final Map<Path, NamespaceId> namespaces = new ConcurrentHashMap<>();

    final Map<NamespaceId, RedirectPlan> applied = new ConcurrentHashMap<>();
    final List<InetAddress> addresses = new ArrayList<>(List.of(InetAddress.ofLiteral("10.1.0.5")));
    Optional<RuntimeException> failure = Optional.empty();

    /** Those that are open now, and how often any was. */
    final AtomicInteger open = new AtomicInteger();

    final AtomicInteger opened = new AtomicInteger();

    Runnable whileApplying = () -> {};

    private final AtomicLong inodes = new AtomicLong(4026532000L);

    /** The plan that is in the namespace behind a path now. */
    Optional<RedirectPlan> plan(Path path) {
        return Optional.ofNullable(namespaces.get(path)).map(applied::get);
    }

    /** Lets a path lead to a new namespace. */
    NamespaceId renew(Path path) {
        NamespaceId id = next();
        namespaces.put(path, id);
        return id;
    }

    @Override
    public String name() {
        return "iptables";
    }

    @Override
    public String detect() {
        return "memory";
    }

    @Override
    public NamespaceHandle open(Path netns, Deadline deadline) {
        failure.filter(NetnsException.class::isInstance).ifPresent(e -> {
            throw e;
        });
        open.incrementAndGet();
        opened.incrementAndGet();
        return new Handle(namespaces.computeIfAbsent(netns, _ -> next()));
    }

    private NamespaceId next() {
        long inode = inodes.incrementAndGet();
        return new NamespaceId(4, inode, inode);
    }

    private final class Handle implements NamespaceHandle {
        private final NamespaceId id;

        Handle(NamespaceId id) {
            this.id = id;
        }

        @Override
        public NamespaceId id() {
            return id;
        }

        @Override
        public boolean isOwn() {
            return false;
        }

        @Override
        public List<InetAddress> addresses() {
            return addresses;
        }

        @Override
        public void apply(RedirectPlan plan) {
            failure.ifPresent(e -> {
                throw e;
            });
            whileApplying.run();
            applied.put(id, plan);
        }

        @Override
        public List<RuleDifference> differences(RedirectPlan plan) {
            return plan.equals(applied.get(id))
                    ? List.of()
                    : List.of(new RuleDifference(
                            RuleDifference.Kind.MISSING, "ipv4 nat OUTPUT", "-A OUTPUT -j ISTIO_OUTPUT"));
        }

        @Override
        public void remove() {
            failure.ifPresent(e -> {
                throw e;
            });
            applied.remove(id);
        }

        @Override
        public void close() {
            open.decrementAndGet();
        }
    }
}
