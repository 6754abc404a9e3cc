// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import java.net.InetAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Who has which connections of a port. There is always a place for one more: the oldest connection of the same peer
 * goes if that peer has as many as it may have, otherwise the oldest of those that have most. A probe is done within
 * milliseconds, and so is never the oldest for long; what stays unfinished makes room for it, also where both come from
 * one address.
 *
 * <p>For one thread.
 *
 * @param <C> a connection
 */
final class ConnectionSlots<C> {
    private final int most;
    private final int mostOfPeer;
    /** In the order of arrival. */
    private final Map<C, InetAddress> connections = new LinkedHashMap<>();

    private final Map<InetAddress, Integer> counts = new HashMap<>();

    /** A connection that has to go, and why. */
    record Displaced<C>(C connection, HttpRefusal reason) {}

    /**
     * @param most how many in all
     * @param mostOfPeer how many of one peer
     */
    ConnectionSlots(int most, int mostOfPeer) {
        this.most = most;
        this.mostOfPeer = mostOfPeer;
    }

    /** Gives a connection a place, and says whose place it was. The displaced one has none any more. */
    Optional<Displaced<C>> take(C connection, InetAddress peer) {
        Optional<Displaced<C>> displaced = displacedBy(peer);
        displaced.ifPresent(gone -> leave(gone.connection()));
        connections.put(connection, peer);
        counts.merge(peer, 1, Integer::sum);
        return displaced;
    }

    /** Takes a place back, if the connection has one. */
    void leave(C connection) {
        InetAddress peer = connections.remove(connection);
        if (peer != null) {
            counts.computeIfPresent(peer, (_, count) -> count == 1 ? null : count - 1);
        }
    }

    /** The connections that have a place at this moment, the oldest first. */
    List<C> all() {
        return List.copyOf(connections.keySet());
    }

    boolean isEmpty() {
        return connections.isEmpty();
    }

    private Optional<Displaced<C>> displacedBy(InetAddress peer) {
        if (counts.getOrDefault(peer, 0) >= mostOfPeer) {
            return oldest(peer::equals).map(connection -> new Displaced<>(connection, HttpRefusal.PEER_LIMIT));
        }
        if (connections.size() < most) {
            return Optional.empty();
        }
        int greediest = greediest(counts.values());
        return oldest(other -> counts.getOrDefault(other, 0) == greediest)
                .map(connection -> new Displaced<>(connection, HttpRefusal.FULL));
    }

    private Optional<C> oldest(Predicate<InetAddress> ofPeer) {
        return connections.entrySet().stream()
                .filter(entry -> ofPeer.test(entry.getValue()))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    private static int greediest(Collection<Integer> counts) {
        return counts.stream().mapToInt(Integer::intValue).max().orElse(0);
    }
}
