// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The host's set, in memory. */
final class MemoryProbeSet implements ProbeSet {
    private final Map<InetAddress, String> entries = new HashMap<>();
    private final boolean withIpv6;
    private Runnable before = () -> {};

    MemoryProbeSet(boolean withIpv6) {
        this.withIpv6 = withIpv6;
    }

    /** What happens before each change; what it throws keeps the change from being made. */
    synchronized void before(Runnable action) {
        before = action;
    }

    synchronized void flush() {
        entries.clear();
    }

    @Override
    public boolean covers(InetAddress address) {
        return withIpv6 || !(address instanceof Inet6Address);
    }

    @Override
    public synchronized Optional<String> owner(InetAddress address) {
        return Optional.ofNullable(entries.get(address));
    }

    @Override
    public synchronized Map<InetAddress, String> entries() {
        return Map.copyOf(entries);
    }

    @Override
    public synchronized void put(InetAddress address, String uid) {
        if (!covers(address)) {
            throw new IllegalStateException("no set for " + address);
        }
        before.run();
        entries.put(address, uid);
    }

    @Override
    public synchronized void remove(InetAddress address, String uid) {
        before.run();
        entries.remove(address, uid);
    }

    @Override
    public synchronized List<String> differences(Map<InetAddress, String> wanted) {
        return entries.equals(covered(wanted)) ? List.of() : List.of(entries + " instead of " + covered(wanted));
    }

    @Override
    public synchronized void restore(Map<InetAddress, String> wanted) {
        before.run();
        entries.clear();
        entries.putAll(covered(wanted));
    }

    private Map<InetAddress, String> covered(Map<InetAddress, String> wanted) {
        Map<InetAddress, String> covered = new HashMap<>(wanted);
        covered.keySet().removeIf(address -> !covers(address));
        return covered;
    }
}
