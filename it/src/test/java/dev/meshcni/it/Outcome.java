// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import dev.meshcni.rules.TransportProtocol;
import java.net.InetSocketAddress;
import java.util.Optional;

/** What became of a {@link Probe}. */
sealed interface Outcome {
    /** Where it arrived, as {@code listener:port}; or what happened instead. */
    default String place() {
        return toString();
    }

    /**
     * A listener got it.
     *
     * @param listener the name of the {@link ProbeServer}
     * @param port the port that the listener is bound to
     * @param local the address on the listener's side; for a datagram the wildcard address
     * @param originalDestination where connection tracking says that a connection was going; empty for datagrams
     */
    record Arrived(
            String listener,
            TransportProtocol protocol,
            int port,
            InetSocketAddress local,
            Optional<InetSocketAddress> originalDestination)
            implements Outcome {
        @Override
        public String place() {
            return listener + ":" + port;
        }
    }

    /** The machine that it reached said that nobody listens. */
    record Refused() implements Outcome {}

    /** The kernel would not send it, such as for want of a route. */
    record Unsendable(int errno) implements Outcome {}

    /** Nobody got it and nobody said why. */
    record Silent() implements Outcome {}
}
