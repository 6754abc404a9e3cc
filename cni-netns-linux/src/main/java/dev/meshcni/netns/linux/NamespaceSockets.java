// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import java.util.Optional;

/**
 * What a thread in a network namespace speaks to its kernel by: each opened once, when it is needed, and kept for the
 * whole stay. For that thread.
 */
final class NamespaceSockets implements AutoCloseable {
    private Optional<Rtnetlink> rtnetlink = Optional.empty();
    private Optional<NetfilterTables> netfilter = Optional.empty();

    /** Addresses, rules of routing and routes. */
    Rtnetlink rtnetlink() {
        if (rtnetlink.isEmpty()) {
            rtnetlink = Optional.of(new Rtnetlink());
        }
        return rtnetlink.get();
    }

    /** Tables of netfilter. */
    NetfilterTables netfilter() {
        if (netfilter.isEmpty()) {
            netfilter = Optional.of(new NetfilterTables());
        }
        return netfilter.get();
    }

    /**
     * Closes them. After a deletion that takes more than ten milliseconds: the kernel closes a socket by which
     * something was deleted once no packet can be in it any more. So nobody should wait for this.
     */
    @Override
    public void close() {
        rtnetlink.ifPresent(Rtnetlink::close);
        netfilter.ifPresent(NetfilterTables::close);
    }
}
