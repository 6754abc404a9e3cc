// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static java.util.Objects.requireNonNull;

import dev.meshcni.libc.FileKey;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The state of the talk with one ztunnel: its hello, then a snapshot of all pods, then changes. Decides what is to be
 * said next, and knows what has been acknowledged. Pure; the server's lock guards it.
 *
 * <p>An acknowledgement carries nothing but an error: which request it belongs to follows from the order alone. So
 * there is one request at a time, and whatever breaks the order (an answer without a request, one that cannot be read,
 * one that does not come) is an exception, after which the connection is closed and no later answer can be taken for
 * another one's. ztunnel connects again within milliseconds, keeps all its proxies meanwhile, and hears a snapshot.
 */
final class Conversation {
    enum Phase {
        /** Nothing is said before its hello. */
        HELLO,
        /** All pods are named to it; what it has and is not named, it will drop. */
        SNAPSHOT,
        OPEN
    }

    /**
     * What is to be sent.
     *
     * @param wish the pod that is added; its namespace goes with the message
     */
    record Outgoing(ZdsRequest request, Optional<Wish> wish) {
        Outgoing {
            requireNonNull(request, "request is null");
            requireNonNull(wish, "wish is null");
        }
    }

    private final Map<String, Told> told = new LinkedHashMap<>();
    private Phase phase = Phase.HELLO;
    private Optional<Outgoing> outstanding = Optional.empty();

    Phase phase() {
        return phase;
    }

    Map<String, Told> told() {
        return told;
    }

    /** Returns whether it may know something about the pod: a request about it is on its way, or it was told. */
    boolean mayKnow(String uid) {
        return told.containsKey(uid)
                || outstanding
                        .flatMap(Outgoing::wish)
                        .filter(wish -> wish.uid().equals(uid))
                        .isPresent();
    }

    boolean serves(String uid, FileKey namespace) {
        return told.get(uid) instanceof Told.Serves(FileKey known) && known.equals(namespace);
    }

    /** Its first message. */
    void greet(byte[] message) {
        int version = ZdsCodec.hello(message);
        if (phase != Phase.HELLO || version < 1) {
            throw new ZdsException("the first message of ztunnel, of " + message.length + " bytes, is no hello");
        }
        phase = Phase.SNAPSHOT;
    }

    /**
     * What to say now; empty if there is nothing, or an answer is awaited.
     *
     * @param serving whether new pods are this ztunnel's; any other one that is open only hears what has ended
     */
    Optional<Outgoing> next(Wishes wishes, boolean serving) {
        if (phase == Phase.HELLO || outstanding.isPresent()) {
            return Optional.empty();
        }
        outstanding = ended(wishes).or(() -> begun(wishes, serving)).or(this::end);
        return outstanding;
    }

    /** The answer to what was said last. */
    void answer(byte[] message) {
        Outgoing said = outstanding.orElseThrow(() -> unasked(message));
        String error = ZdsCodec.acknowledgement(message);
        outstanding = Optional.empty();
        switch (said.request()) {
            case ZdsRequest.Add(String uid, WorkloadInfo _) -> {
                Wish wish = said.wish().orElseThrow();
                FileKey namespace = wish.key().orElseThrow();
                told.put(
                        uid,
                        error.isEmpty()
                                ? new Told.Serves(namespace)
                                : new Told.Refused(namespace, wish.attempt(), error));
            }
            case ZdsRequest.Keep(String uid) -> {
                requireSuccess(said.request(), error);
                told.put(uid, new Told.Kept());
            }
            case ZdsRequest.Del(String uid) -> {
                requireSuccess(said.request(), error);
                told.remove(uid);
            }
            case ZdsRequest.SnapshotSent() -> {
                requireSuccess(said.request(), error);
                phase = Phase.OPEN;
            }
        }
    }

    static ZdsException unasked(byte[] message) {
        return new ZdsException("ztunnel has sent " + message.length + " bytes that answer no request");
    }

    /** Pods that are not wanted any more, first: a namespace that has ended keeps ztunnel from being ready. */
    private Optional<Outgoing> ended(Wishes wishes) {
        return told.keySet().stream()
                .filter(uid -> wishes.of(uid).isEmpty())
                .findFirst()
                .map(uid -> new Outgoing(new ZdsRequest.Del(uid), Optional.empty()));
    }

    private Optional<Outgoing> begun(Wishes wishes, boolean serving) {
        if (!serving && phase == Phase.OPEN) {
            return Optional.empty();
        }
        return wishes.urgent().stream()
                .flatMap(uid -> wishes.of(uid).flatMap(this::missing).stream())
                .findFirst()
                .or(() -> wishes.all().stream()
                        .flatMap(wish -> missing(wish).stream())
                        .findFirst());
    }

    private Optional<Outgoing> end() {
        return phase == Phase.SNAPSHOT
                ? Optional.of(new Outgoing(new ZdsRequest.SnapshotSent(), Optional.empty()))
                : Optional.empty();
    }

    private Optional<Outgoing> missing(Wish wish) {
        Optional<FileKey> namespace = wish.key();
        Optional<Told> known = Optional.ofNullable(told.get(wish.uid()));
        if (namespace.isEmpty()) {
            return phase == Phase.SNAPSHOT && known.isEmpty()
                    ? Optional.of(new Outgoing(new ZdsRequest.Keep(wish.uid()), Optional.empty()))
                    : Optional.empty();
        }
        boolean said = known.isPresent()
                && switch (known.get()) {
                    case Told.Serves(FileKey served) -> served.equals(namespace.get());
                    case Told.Refused(FileKey refused, long attempt, String _) ->
                        refused.equals(namespace.get()) && attempt == wish.attempt();
                    case Told.Kept() -> false;
                };
        return said
                ? Optional.empty()
                : Optional.of(new Outgoing(new ZdsRequest.Add(wish.uid(), wish.info()), Optional.of(wish)));
    }

    private static void requireSuccess(ZdsRequest request, String error) {
        if (!error.isEmpty()) {
            throw new ZdsException("ztunnel refuses the " + request + ": " + error);
        }
    }
}
