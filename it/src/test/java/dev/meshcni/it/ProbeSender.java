// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.sun.jna.LastErrorException;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Sends probes from a namespace and tells what became of them. */
final class ProbeSender {
    /** How long a probe may be on its way before it counts as lost; loss is rare, so this may be long. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final Netns netns;
    private final Arrivals arrivals;

    ProbeSender(Netns netns, Arrivals arrivals) {
        this.netns = netns;
        this.arrivals = arrivals;
    }

    Outcome send(Probe probe) {
        return send(List.of(probe)).getFirst();
    }

    /** Sends probes one after the other. The outcomes are in the order of the probes. */
    List<Outcome> send(List<Probe> probes) {
        return netns.inside(() -> {
            List<Outcome> outcomes = new ArrayList<>();
            for (Probe probe : probes) {
                outcomes.add(outcome(probe));
            }
            return outcomes;
        });
    }

    private Outcome outcome(Probe probe) throws Exception {
        try (KernelSocket socket = probe.owner().apply(() -> KernelSocket.open(probe.family(), probe.protocol()))) {
            if (probe.owner().mark() != 0) {
                socket.mark(probe.owner().mark());
                // A proxy that keeps the client's address sends from one that the pod does not have.
                socket.transparent();
            }
            if (probe.source().isPresent()) {
                socket.bindFreely();
                socket.bind(new InetSocketAddress(probe.source().get(), 0));
            }
            socket.connect(probe.destination());
            return probe.protocol() == TransportProtocol.TCP ? connection(socket) : arrival(socket);
        } catch (LastErrorException e) {
            return failed(e.getErrorCode());
        }
    }

    private Outcome connection(KernelSocket socket) throws Exception {
        socket.resetOnClose();
        if (!socket.await(Libc.POLLOUT, (int) PATIENCE.toMillis())) {
            return new Outcome.Silent();
        }
        int error = socket.error();
        if (error != 0) {
            return failed(error);
        }
        return arrival(socket);
    }

    private Outcome arrival(KernelSocket socket) throws Exception {
        Arrivals.Expected expected = arrivals.expect();
        socket.send(expected.payload());
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            if (arrived(expected.arrival())) {
                return expected.arrival().join();
            }
            int error = socket.error();
            if (error != 0) {
                return failed(error);
            }
        }
        return new Outcome.Silent();
    }

    private static boolean arrived(CompletableFuture<Outcome.Arrived> arrival)
            throws InterruptedException, ExecutionException {
        try {
            arrival.get(20, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        }
    }

    private static Outcome failed(int errno) {
        return errno == Libc.ECONNREFUSED ? new Outcome.Refused() : new Outcome.Unsendable(errno);
    }
}
