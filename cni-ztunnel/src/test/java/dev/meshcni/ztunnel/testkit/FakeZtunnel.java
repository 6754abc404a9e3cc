// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel.testkit;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.Packet;
import dev.meshcni.libc.PacketSocket;
import dev.meshcni.libc.ReceivedDescriptor;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.libc.Wakeup;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What ztunnel is to the node agent: it connects, says hello, has a proxy for each pod that it is given, answers each
 * request, and connects again when the connection ends. It can misbehave. It knows protobuf by protobuf's own library.
 *
 * <p>A proxy is an open file of the pod's namespace here, and nothing more.
 */
public final class FakeZtunnel implements AutoCloseable {
    private static final Duration FOREVER = Duration.ofHours(1);
    private static final Duration RECONNECT = Duration.ofMillis(2);
    private static final int ROOM_FOR_FILES = 4;

    private final Path path;
    private final Supplier<Manner> manners;
    private final Duration late;
    private final boolean hello;
    private final Wakeup wakeup = new Wakeup();
    private final Thread thread;

    // Guarded by this.
    private final Map<String, SharedDescriptor> proxies = new HashMap<>();
    private final Map<String, SharedDescriptor> pending = new HashMap<>();
    private final Map<String, String> infos = new HashMap<>();
    private final List<String> log = new ArrayList<>();
    private final List<String> brokenRules = new ArrayList<>();
    private int connections;
    private int snapshots;

    private volatile boolean stopped;
    private volatile boolean hangUp;

    private enum After {
        GO_ON,
        RECONNECT,
        DIE
    }

    private FakeZtunnel(Path path, Supplier<Manner> manners, Duration late, boolean hello) {
        this.path = path;
        this.manners = manners;
        this.late = late;
        this.hello = hello;
        this.thread = Thread.ofPlatform().name("fake-ztunnel").daemon().unstarted(this::run);
    }

    /** One that does everything as it should be done. */
    public static FakeZtunnel proper(Path socket) {
        return with(socket, () -> Manner.PROPER, Duration.ZERO);
    }

    /**
     * One that asks how to treat each request.
     *
     * @param late how long a late answer takes
     */
    public static FakeZtunnel with(Path socket, Supplier<Manner> manners, Duration late) {
        return started(new FakeZtunnel(socket, manners, late, true));
    }

    /** One that connects and says nothing. */
    public static FakeZtunnel mute(Path socket) {
        return started(new FakeZtunnel(socket, () -> Manner.DEAF, Duration.ZERO, false));
    }

    private static FakeZtunnel started(FakeZtunnel fake) {
        fake.thread.start();
        return fake;
    }

    /** The namespace in which each pod is served, by UID. */
    public synchronized Map<String, FileKey> proxies() {
        Map<String, FileKey> keys = new HashMap<>();
        proxies.forEach((uid, namespace) -> keys.put(uid, namespace.key()));
        return keys;
    }

    /** Whether any pod is served in a namespace. */
    public synchronized boolean listensIn(FileKey namespace) {
        return proxies.values().stream().anyMatch(proxy -> proxy.key().equals(namespace));
    }

    /** The names that came with a pod: {@code namespace/name/serviceAccount}. */
    public synchronized String info(String uid) {
        return infos.get(uid);
    }

    /** The requests, in the order in which they came, as words. */
    public synchronized List<String> log() {
        return List.copyOf(log);
    }

    /** What the agent has done that ztunnel would have exited for, or has refused as unreadable. */
    public synchronized List<String> brokenRules() {
        return List.copyOf(brokenRules);
    }

    /** How often it has connected. */
    public synchronized int connections() {
        return connections;
    }

    /** How many snapshots it has heard to the end. */
    public synchronized int snapshots() {
        return snapshots;
    }

    /** It has pods that it could not serve: ztunnel's readiness fails. */
    public synchronized Set<String> pending() {
        return new HashSet<>(pending.keySet());
    }

    /** Returns whether it runs; it does not when a request made it die. */
    public boolean isAlive() {
        return thread.isAlive();
    }

    /** Closes the connection; it keeps its proxies and connects again. */
    public void hangUp() {
        hangUp = true;
        wakeup.signal();
    }

    /** Ends it as SIGKILL does. */
    @Override
    public void close() {
        stopped = true;
        wakeup.signal();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        wakeup.close();
    }

    private void run() {
        try {
            boolean dead = false;
            while (!stopped && !dead) {
                try (PacketSocket socket = PacketSocket.connect(path)) {
                    synchronized (this) {
                        connections++;
                        pending.values().forEach(SharedDescriptor::close);
                        pending.clear();
                    }
                    dead = serve(socket);
                } catch (RedirectException e) {
                    // The agent has gone, or is not there.
                    wakeup.await(RECONNECT);
                }
            }
        } finally {
            synchronized (this) {
                proxies.values().forEach(SharedDescriptor::close);
                proxies.clear();
                pending.values().forEach(SharedDescriptor::close);
                pending.clear();
            }
        }
    }

    /** One connection; whether the process dies with it. */
    private boolean serve(PacketSocket socket) {
        if (hello) {
            socket.send(ZdsSchema.hello(1));
        }
        Snapshot snapshot = new Snapshot();
        while (!stopped) {
            boolean ready = socket.await(wakeup, FOREVER);
            if (hangUp) {
                hangUp = false;
                return false;
            }
            if (!ready) {
                continue;
            }
            Packet packet = socket.receive(ROOM_FOR_FILES).orElseThrow();
            if (packet.isEnd()) {
                return false;
            }
            switch (treat(socket, packet, snapshot)) {
                case GO_ON -> {
                    // The next one.
                }
                case RECONNECT -> {
                    return false;
                }
                case DIE -> {
                    return true;
                }
            }
        }
        return false;
    }

    private After treat(PacketSocket socket, Packet packet, Snapshot snapshot) {
        List<SharedDescriptor> files = new ArrayList<>();
        for (ReceivedDescriptor received : packet.descriptors()) {
            files.add(SharedDescriptor.open(received.path()));
            received.close();
        }
        try {
            Manner manner = manners.get();
            if (manner == Manner.DYING_BEFORE) {
                return After.DIE;
            }
            if (manner == Manner.HANGING_UP) {
                return After.RECONNECT;
            }
            String error = manner == Manner.DEAF ? "" : apply(packet, files, snapshot, manner == Manner.REFUSING);
            if (snapshot.broken) {
                socket.send(ZdsSchema.ack(error));
                return snapshot.fatal ? After.DIE : After.RECONNECT;
            }
            return answer(socket, manner, error);
        } finally {
            files.forEach(SharedDescriptor::close);
        }
    }

    private After answer(PacketSocket socket, Manner manner, String error) {
        byte[] ack = ZdsSchema.ack(error);
        switch (manner) {
            case PROPER, REFUSING -> socket.send(ack);
            case TWICE -> {
                socket.send(ack);
                socket.send(ack);
            }
            case LATE -> {
                Deadline end = Deadline.after(late);
                while (!stopped && !end.remaining().isZero()) {
                    wakeup.await(end.remaining());
                }
                socket.send(ack);
            }
            case CUT -> socket.send(new byte[] {ack[0]});
            case ENDLESS -> socket.send(ZdsSchema.ack("x".repeat(PacketSocket.MAX_PACKET)));
            case BESIDE_THE_POINT -> socket.send(new byte[] {0x12, 0x00});
            case WITH_A_FILE -> {
                try (SharedDescriptor file = SharedDescriptor.open(Path.of("/proc/self/cmdline"))) {
                    socket.send(ack, List.of(file));
                }
            }
            case DYING_AFTER -> {
                return After.DIE;
            }
            case SILENT, DEAF, DYING_BEFORE, HANGING_UP -> {
                // Nothing is said.
            }
        }
        return After.GO_ON;
    }

    /** What the snapshot has named so far, and how the connection stands. */
    private static final class Snapshot {
        private final Set<String> named = new HashSet<>();
        private boolean sent;
        private boolean broken;
        private boolean fatal;
    }

    private synchronized String apply(
            Packet packet, List<SharedDescriptor> files, Snapshot snapshot, boolean refusing) {
        Message request;
        try {
            request = ZdsSchema.read(ZdsSchema.REQUEST, packet.bytes());
        } catch (InvalidProtocolBufferException e) {
            return unreadable(snapshot, e.getMessage());
        }
        if (!packet.whole() || packet.bytes().length > 1024) {
            return unreadable(snapshot, "truncated: " + packet.bytes().length + " bytes");
        }
        var field =
                request.getOneofFieldDescriptor(ZdsSchema.REQUEST.getOneofs().getFirst());
        String kind = field == null ? "nothing" : field.getName();
        if (files.size() != (kind.equals("add") ? 1 : 0)) {
            return unreadable(snapshot, kind + " with " + files.size() + " files");
        }
        retryPending();
        return switch (kind) {
            case "add" -> add(ZdsSchema.message(request, "add"), files.getFirst(), snapshot, refusing);
            case "keep" -> keep(ZdsSchema.text(ZdsSchema.message(request, "keep"), "uid"), snapshot);
            case "del" -> del(ZdsSchema.text(ZdsSchema.message(request, "del"), "uid"), snapshot);
            case "snapshot_sent" -> snapshotSent(snapshot);
            default -> unreadable(snapshot, kind);
        };
    }

    private String add(Message add, SharedDescriptor namespace, Snapshot snapshot, boolean refusing) {
        String uid = ZdsSchema.text(add, "uid");
        log.add("add " + uid);
        if (!add.hasField(ZdsSchema.ADD.findFieldByName("workload_info"))) {
            return fatal(snapshot, "add without workload_info");
        }
        Message info = ZdsSchema.message(add, "workload_info");
        infos.put(
                uid,
                ZdsSchema.text(info, "namespace") + "/" + ZdsSchema.text(info, "name") + "/"
                        + ZdsSchema.text(info, "service_account"));
        snapshot.named.add(uid);
        SharedDescriptor present = proxies.get(uid);
        if (present != null && present.key().equals(namespace.key())) {
            return "";
        }
        drop(proxies, uid);
        drop(pending, uid);
        if (refusing) {
            pending.put(uid, namespace.share());
            return "failure to start proxy : Bind([::]:15008, address in use)";
        }
        proxies.put(uid, namespace.share());
        return "";
    }

    private String keep(String uid, Snapshot snapshot) {
        log.add("keep " + uid);
        if (snapshot.sent) {
            return fatal(snapshot, "keep after the snapshot");
        }
        snapshot.named.add(uid);
        return "";
    }

    private String del(String uid, Snapshot snapshot) {
        log.add("del " + uid);
        snapshot.named.remove(uid);
        if (snapshot.sent) {
            drop(proxies, uid);
        }
        drop(pending, uid);
        return "";
    }

    private String snapshotSent(Snapshot snapshot) {
        log.add("snapshot_sent");
        if (snapshot.sent) {
            return fatal(snapshot, "a second snapshot");
        }
        snapshot.sent = true;
        snapshots++;
        Set.copyOf(proxies.keySet()).stream()
                .filter(uid -> !snapshot.named.contains(uid))
                .forEach(uid -> drop(proxies, uid));
        return "";
    }

    /** ztunnel does so every five seconds. */
    private void retryPending() {
        pending.forEach((uid, namespace) -> {
            drop(proxies, uid);
            proxies.put(uid, namespace);
        });
        pending.clear();
    }

    private String unreadable(Snapshot snapshot, String what) {
        brokenRules.add(what);
        snapshot.broken = true;
        return "failure to read message : " + what;
    }

    private String fatal(Snapshot snapshot, String what) {
        brokenRules.add(what);
        snapshot.broken = true;
        snapshot.fatal = true;
        return "protocol error: " + what;
    }

    private static void drop(Map<String, SharedDescriptor> from, String uid) {
        SharedDescriptor dropped = from.remove(uid);
        if (dropped != null) {
            dropped.close();
        }
    }
}
