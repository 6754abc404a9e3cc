// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NamespaceHandle;
import dev.meshcni.netns.linux.HostPaths;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.RuleWay;
import dev.meshcni.rules.IpFamily;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;

/**
 * A redirected pod that stays while others come and go. A node that is in use always has one, or the rules of its
 * service proxy. Where there is none, the kernel rewrites its own code for the first netfilter hook and after the last
 * one ({@code static_key_slow_inc}), and every measured ADD would be that first one.
 *
 * @param namespace what it is in
 */
record Neighbour(PodNamespace namespace) implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    static Neighbour make() throws IOException {
        Neighbour neighbour = new Neighbour(PodNamespace.make());
        try (NamespaceHandle handle = new IptablesBackend("nft", RuleWay.NETLINK, HostPaths.standard())
                .open(neighbour.namespace().path(), Deadline.after(PATIENCE))) {
            handle.apply(RuleWays.plan(0, Set.of(IpFamily.values())));
            return neighbour;
        } catch (RuntimeException | Error e) {
            try {
                neighbour.close();
            } catch (IOException failure) {
                e.addSuppressed(failure);
            }
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        namespace.close();
    }
}
