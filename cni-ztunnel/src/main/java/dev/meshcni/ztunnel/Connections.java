// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

import dev.meshcni.libc.FileKey;
import dev.meshcni.ztunnel.ZtunnelException.Reason;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The ztunnels that are connected, the oldest first, and why there is none. Guarded by the server's lock. */
final class Connections {
    private static final String SEE = "; see the log of the ztunnel pod on this node";

    private record Gone(String reason, long nanoTime) {}

    private final Path socket;
    private final List<ZtunnelConnection> connections = new ArrayList<>();
    private long started = System.nanoTime();
    private Optional<Gone> lastGone = Optional.empty();

    Connections(Path socket) {
        this.socket = requireNonNull(socket, "socket is null");
    }

    /** From now on ztunnels can connect. */
    void start() {
        started = System.nanoTime();
    }

    void add(ZtunnelConnection connection) {
        connections.add(connection);
    }

    void remove(ZtunnelConnection connection, String reason) {
        connections.remove(connection);
        lastGone = Optional.of(new Gone(reason, System.nanoTime()));
    }

    List<ZtunnelConnection> all() {
        return connections;
    }

    /** The one to which new pods are given. */
    Optional<ZtunnelConnection> serving() {
        return newest(Conversation.Phase.OPEN).or(() -> newest(Conversation.Phase.SNAPSHOT));
    }

    boolean mayKnow(String uid) {
        return connections.stream()
                .anyMatch(connection -> connection.conversation().mayKnow(uid));
    }

    /** There may be something to say. */
    void wake() {
        connections.forEach(ZtunnelConnection::wake);
    }

    List<ConnectionReport> reports() {
        Optional<ZtunnelConnection> serving = serving();
        return connections.stream()
                .map(connection ->
                        report(connection, serving.filter(connection::equals).isPresent()))
                .toList();
    }

    /** How long there has been nobody to give pods to; zero if there is somebody. */
    Duration timeWithout() {
        if (serving().isPresent()) {
            return Duration.ZERO;
        }
        long since = lastGone.map(Gone::nanoTime).orElse(started);
        return Duration.ofNanos(System.nanoTime() - since);
    }

    /** Why there is nobody to talk to. */
    ZtunnelException absence() {
        if (!connections.isEmpty()) {
            return new ZtunnelException(
                    Reason.SILENT,
                    "a ztunnel has been connected to " + socket + " for "
                            + connections.getLast().age().toMillis() + " ms and has sent no hello" + SEE);
        }
        return lastGone.map(gone -> new ZtunnelException(
                        Reason.GONE,
                        "no ztunnel is connected to " + socket + "; the last one left " + secondsSince(gone.nanoTime())
                                + " s ago (" + gone.reason() + ")" + SEE))
                .orElseGet(() -> new ZtunnelException(
                        Reason.NEVER_CONNECTED,
                        "no ztunnel has connected to " + socket + " in the " + secondsSince(started)
                                + " s since the agent started; it connects once istiod has answered it" + SEE));
    }

    /** Why one that is connected is not waited for any longer. */
    static ZtunnelException late(Wish wish, ZtunnelConnection serving) {
        Conversation conversation = serving.conversation();
        return new ZtunnelException(
                Reason.LATE,
                "ztunnel has not answered for " + wish.info() + " in time; it is connected since "
                        + serving.age().toSeconds() + " s and has "
                        + conversation.told().size() + " pods"
                        + (conversation.phase() == Conversation.Phase.SNAPSHOT
                                ? ", its snapshot is not acknowledged yet"
                                : "")
                        + SEE);
    }

    private Optional<ZtunnelConnection> newest(Conversation.Phase phase) {
        return connections.reversed().stream()
                .filter(connection -> connection.conversation().phase() == phase)
                .findFirst();
    }

    private static ConnectionReport report(ZtunnelConnection connection, boolean serving) {
        Map<String, String> refused = new LinkedHashMap<>();
        int pods = 0;
        for (Map.Entry<String, Told> entry : connection.conversation().told().entrySet()) {
            switch (entry.getValue()) {
                case Told.Serves _ -> pods++;
                case Told.Refused(FileKey _, long _, String error) -> refused.put(entry.getKey(), error);
                case Told.Kept() -> {
                    // Whether it has the pod is not known.
                }
            }
        }
        boolean ready = connection.conversation().phase() == Conversation.Phase.OPEN;
        return new ConnectionReport(connection.number(), connection.age(), ready, serving, pods, refused);
    }

    private static long secondsSince(long nanoTime) {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - nanoTime);
    }
}
