// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.ambient.FakeNode.Failure;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.ZdsLimits;
import dev.meshcni.ztunnel.ZtunnelServer;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import dev.meshcni.ztunnel.testkit.Manner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What may happen on a node, one thing after the other: pods come, go, and are labelled; calls come late or twice;
 * ztunnels come, die and misbehave; steps fail; people take rules out; the agent starts again. At the end everything
 * behaves, the agent has a few rounds, and then what is so must be what is wanted.
 */
final class History implements AutoCloseable {
    /** One event; what the numbers mean depends on its kind. */
    record Event(int kind, int first, int second) {}

    static final int KINDS = 24;

    private static final ZdsLimits LIMITS =
            new ZdsLimits(Duration.ofMillis(200), Duration.ofMillis(60), Duration.ofMillis(20), 3, 100_000);
    private static final Duration LATE = Duration.ofMillis(80);
    private static final Duration PATIENCE = Duration.ofMillis(150);
    private static final Duration LONGEST_END = Duration.ofSeconds(60);
    private static final int SANDBOXES = 8;
    private static final int ADDRESSES = 6;

    private static final class Pod {
        private AmbientPod now;
        private boolean wanted = true;
        private Optional<Path> sandbox = Optional.empty();
        private boolean deleted;

        Pod(AmbientPod now) {
            this.now = now;
        }

        boolean runs() {
            return !deleted && sandbox.isPresent();
        }
    }

    private final Path directory;
    private final FakeNode node = new FakeNode();
    private final ConcurrentLinkedQueue<Manner> manners = new ConcurrentLinkedQueue<>();
    private final List<Pod> pods = new ArrayList<>();
    private final List<String> told = new ArrayList<>();
    private ZtunnelServer server;
    private AmbientEngine engine;
    private int number;

    History(Path directory) throws IOException {
        this.directory = directory;
        for (int i = 0; i < SANDBOXES; i++) {
            Files.createFile(sandbox(i));
        }
        startAgent(List.of(), _ -> true);
        ztunnel();
    }

    void happen(Event event) {
        switch (event.kind()) {
            case 0, 1, 2 -> create(event);
            case 3, 4 ->
                pick(event, pod -> !pod.deleted && pod.sandbox.isEmpty()).ifPresent(pod -> add(pod, event));
            case 5, 6 -> pick(event, Pod::runs).ifPresent(this::stop);
            case 7 -> pick(event, pod -> pod.deleted).ifPresent(this::hearOfTheEnd);
            case 8 -> pick(event, pod -> true).ifPresent(pod -> lateDel(pod, event));
            case 9 ->
                pick(event, Pod::runs).ifPresent(pod -> {
                    pod.wanted = !pod.wanted;
                    reconcile(pod);
                });
            case 10 -> pick(event, Pod::runs).ifPresent(pod -> annotate(pod, event));
            case 11 -> pick(event, Pod::runs).ifPresent(pod -> showFormerAddress(pod, event));
            case 12 -> {
                if (alive().size() < 3) {
                    told.add("ztunnel comes");
                    ztunnel();
                }
            }
            case 13 ->
                anyZtunnel(event).ifPresent(ztunnel -> {
                    told.add("ztunnel dies");
                    ztunnel.close();
                });
            case 14 ->
                anyZtunnel(event).ifPresent(ztunnel -> {
                    told.add("ztunnel hangs up");
                    ztunnel.hangUp();
                });
            case 15, 16, 17 -> {
                Manner manner = one(Manner.values(), event.first());
                told.add("ztunnel will be " + manner + " after " + event.second() % 3);
                for (int i = 0; i < event.second() % 3; i++) {
                    manners.add(Manner.PROPER);
                }
                manners.add(manner);
            }
            case 18, 19 -> {
                Failure failure = event.first() % 2 == 0 ? Failure.BEFORE : Failure.AFTER;
                told.add("change " + event.second() % 4 + " fails " + failure);
                node.failAt(event.second() % 4, failure);
            }
            case 20 -> tamper(event);
            case 21 -> restartAgent(event);
            case 22 -> {
                told.add("round");
                round();
            }
            default -> both(event);
        }
    }

    /** Everything behaves from now on. */
    void end() {
        told.add("end");
        manners.clear();
        node.failAt(-1, Failure.NONE);
        pods.stream().filter(pod -> pod.deleted).forEach(this::hearOfTheEnd);
        pods.removeIf(pod -> pod.deleted);
        Deadline end = Deadline.after(LONGEST_END);
        AssertionError last = null;
        while (!end.remaining().isZero()) {
            // Also when the last one was dying just now.
            if (alive().isEmpty()) {
                ztunnel();
            }
            round();
            try {
                check();
                return;
            } catch (AssertionError e) {
                last = e;
                LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
            }
        }
        throw new AssertionError("not as wanted: " + told + "\n" + last, last);
    }

    @Override
    public void close() throws IOException {
        engine.close();
        server.close();
        node.ztunnels.forEach(FakeZtunnel::close);
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    private void check() {
        Map<String, FileKey> wanted = new HashMap<>();
        Map<InetAddress, String> exempt = new HashMap<>();
        for (Pod pod : pods) {
            if (pod.runs() && pod.wanted) {
                wanted.put(pod.now.uid(), key(pod.sandbox.get()));
                pod.now.addresses().forEach(address -> exempt.put(address, pod.now.uid()));
            }
        }
        assertThat(wanted)
                .as("pods that are served")
                .allSatisfy((uid, key) ->
                        assertThat(server.isServed(uid, key)).as(uid).isTrue());
        // The one that has connected last: not the one that was started last, if another one had to connect again.
        assertThat(alive())
                .as("the serving ztunnel")
                .anySatisfy(ztunnel -> assertThat(ztunnel.proxies()).isEqualTo(wanted));
        assertThat(alive())
                .allSatisfy(ztunnel ->
                        assertThat(wanted).as("proxies of each ztunnel").containsAllEntriesOf(ztunnel.proxies()));
        assertThat(node.ztunnels)
                .allSatisfy(ztunnel ->
                        assertThat(ztunnel.brokenRules()).as("rules of ZDS").isEmpty());
        assertThat(node.probes.entries()).as("exemptions").isEqualTo(exempt);
        assertThat(engine.pods()).as("memberships").isEqualTo(wanted.keySet());
        for (Pod pod : pods) {
            pod.sandbox.ifPresent(sandbox -> assertThat(node.rulesIn(key(sandbox)))
                    .as("rules of %s", pod.now)
                    .isEqualTo(pod.wanted ? Optional.of(pod.now.annotations()) : Optional.empty()));
            assertThat(node.status(pod.now.uid()))
                    .as("status of %s", pod.now)
                    .isEqualTo(pod.runs() && pod.wanted ? MeshStatus.ENABLED : MeshStatus.NONE);
        }
    }

    private void create(Event event) {
        if (freeAddress(event.second()).isPresent() && freeSandbox().isPresent()) {
            String uid = "u" + number++;
            Pod pod = new Pod(new AmbientPod(uid, "shop", "pod-" + event.first() % 2, "default", Map.of(), List.of()));
            pods.add(pod);
            add(pod, event);
        }
    }

    /** The runtime makes a sandbox, and takes it down when ADD fails. */
    private void add(Pod pod, Event event) {
        Optional<InetAddress> address = freeAddress(event.second());
        Optional<Path> free = freeSandbox();
        if (address.isEmpty() || free.isEmpty()) {
            return;
        }
        Path sandbox = free.get();
        node.end(key(sandbox));
        pod.now = with(pod.now, pod.now.annotations(), List.of(address.get()));
        pod.sandbox = free;
        if (!pod.wanted) {
            told.add("sandbox " + sandbox.getFileName() + " of " + pod.now.uid());
            return;
        }
        try {
            engine.add(pod.now, sandbox, soon());
            told.add("ADD " + pod.now.uid() + " in " + sandbox.getFileName() + " with " + address.get());
            assertThat(node.rulesIn(key(sandbox)))
                    .as("rules after ADD: %s", told)
                    .isPresent();
        } catch (AmbientException e) {
            told.add("ADD " + pod.now.uid() + " failed: " + e.getMessage());
            if (e.getSuppressed().length == 0) {
                assertThat(node.rulesIn(key(sandbox)))
                        .as("rules after a failed ADD: %s", told)
                        .isEmpty();
                assertThat(server.isWanted(pod.now.uid()))
                        .as("wanted after a failed ADD: %s", told)
                        .isFalse();
            }
            pod.sandbox = Optional.empty();
            del(pod, sandbox);
        }
    }

    /** The pod is deleted; the API server says so later. */
    private void stop(Pod pod) {
        Path sandbox = pod.sandbox.orElseThrow();
        told.add("pod " + pod.now.uid() + " stops");
        pod.sandbox = Optional.empty();
        pod.deleted = true;
        del(pod, sandbox);
    }

    private void del(Pod pod, Path sandbox) {
        try {
            engine.delete(pod.now.uid(), sandbox, soon());
        } catch (AmbientException e) {
            told.add("DEL " + pod.now.uid() + " failed: " + e.getMessage());
        }
        node.end(key(sandbox));
    }

    private void hearOfTheEnd(Pod pod) {
        told.add("pod " + pod.now.uid() + " is deleted");
        attempt(() -> engine.gone(pod.now, soon()));
    }

    /** A DEL that means another sandbox than the pod's. */
    private void lateDel(Pod pod, Event event) {
        Path other = sandbox(event.second() % SANDBOXES);
        if (!pod.sandbox.equals(Optional.of(other))) {
            told.add("late DEL " + pod.now.uid() + " in " + other.getFileName());
            attempt(() -> engine.delete(pod.now.uid(), other, soon()));
        }
    }

    private void annotate(Pod pod, Event event) {
        pod.now = with(pod.now, Map.of("ambient.istio.io/dns-capture", "" + event.second() % 3), pod.now.addresses());
        told.add("annotation of " + pod.now.uid());
        reconcile(pod);
    }

    /** The API server still has the address of the sandbox before: those that were told of this one count. */
    private void showFormerAddress(Pod pod, Event event) {
        if (pod.wanted && engine.isHeld(pod.now.uid())) {
            InetAddress former = address(event.second() % ADDRESSES);
            told.add("status of " + pod.now.uid() + " has " + former);
            attempt(() -> {
                List<String> _ = engine.settle(with(pod.now, pod.now.annotations(), List.of(former)), soon());
            });
        }
    }

    private void tamper(Event event) {
        switch (event.first() % 4) {
            case 0 -> pick(event, Pod::runs).ifPresent(pod -> node.end(key(pod.sandbox.get())));
            case 1 -> node.probes.flush();
            case 2 ->
                pick(event, Pod::runs)
                        .ifPresent(pod -> node.setStatus(pod.now.uid(), one(MeshStatus.values(), event.second())));
            default ->
                pick(event, Pod::runs).ifPresent(pod -> node.putRules(key(pod.sandbox.get()), Map.of("others", "yes")));
        }
        told.add("somebody tampers " + event.first() % 4);
    }

    /** Two things at once. */
    private void both(Event event) {
        told.add("both:");
        Optional<Pod> leaving = pick(event, Pod::runs);
        Thread other = Thread.ofPlatform()
                .start(() -> leaving.ifPresent(pod -> {
                    attempt(() -> engine.gone(pod.now, soon()));
                    attempt(() -> settle(pod.now.uid()));
                }));
        create(event);
        join(other);
        leaving.ifPresent(this::stop);
    }

    private void restartAgent(Event event) {
        told.add("the agent starts again");
        engine.close();
        server.close();
        // The namespaces of some are found only later.
        startAgent(
                pods.stream()
                        .filter(pod -> pod.runs() && (pod.wanted || node.status(pod.now.uid()) != MeshStatus.NONE))
                        .toList(),
                pod -> (pod.now.uid().hashCode() + event.first()) % 3 != 0);
    }

    private void startAgent(List<Pod> members, Predicate<Pod> found) {
        server = ZtunnelServer.bind(directory.resolve("ztunnel.sock"), LIMITS);
        engine = new AmbientEngine(server, node, node.probes, node, SharedDescriptor::open);
        members.forEach(pod -> attempt(() -> {
            if (found.test(pod)) {
                engine.adopt(pod.now, pod.sandbox.orElseThrow(), soon());
            } else {
                engine.expect(pod.now, soon());
            }
        }));
        server.start();
    }

    /** What the agent does in each round, and when it hears of a change. */
    private void round() {
        for (Pod pod : pods) {
            if (pod.runs()) {
                reconcile(pod);
            }
        }
        engine.pods().forEach(uid -> attempt(() -> settle(uid)));
        try {
            engine.sweepProbes();
        } catch (RedirectException e) {
            told.add("sweep failed");
        }
    }

    private void settle(String uid) {
        List<String> _ = engine.settle(uid, soon());
    }

    private void reconcile(Pod pod) {
        Path sandbox = pod.sandbox.orElseThrow();
        attempt(() -> {
            if (pod.wanted) {
                engine.adopt(pod.now, sandbox, soon());
                List<String> _ = engine.settle(pod.now, soon());
            } else {
                engine.leave(pod.now, sandbox, soon());
            }
        });
    }

    private void attempt(Runnable action) {
        try {
            action.run();
        } catch (AmbientException e) {
            synchronized (told) {
                told.add("failed: " + e.getMessage());
            }
        }
    }

    private void ztunnel() {
        Manner[] last = {Manner.PROPER};
        node.ztunnels.add(FakeZtunnel.with(directory.resolve("ztunnel.sock"), () -> last[0] = manner(last[0]), LATE));
    }

    /**
     * How a ztunnel treats the next request. Who answers one twice and does not hear the next has given as many answers
     * as there were requests: nobody can know that the second one belongs to the first request.
     */
    private Manner manner(Manner last) {
        Manner next = manners.poll();
        return next == null || (last == Manner.TWICE && next == Manner.DEAF) ? Manner.PROPER : next;
    }

    private List<FakeZtunnel> alive() {
        return node.ztunnels.stream().filter(FakeZtunnel::isAlive).toList();
    }

    private Optional<FakeZtunnel> anyZtunnel(Event event) {
        List<FakeZtunnel> alive = alive();
        return alive.isEmpty() ? Optional.empty() : Optional.of(alive.get(event.first() % alive.size()));
    }

    private Optional<Pod> pick(Event event, Predicate<Pod> which) {
        List<Pod> some = pods.stream().filter(which).toList();
        return some.isEmpty() ? Optional.empty() : Optional.of(some.get(event.first() % some.size()));
    }

    /** The base CNI gives an address to the next pod when the last one's sandbox is gone, whoever has heard of that. */
    private Optional<InetAddress> freeAddress(int from) {
        for (int i = 0; i < ADDRESSES; i++) {
            InetAddress address = address((from + i) % ADDRESSES);
            if (pods.stream().noneMatch(pod -> pod.runs() && pod.now.addresses().contains(address))) {
                return Optional.of(address);
            }
        }
        return Optional.empty();
    }

    private Optional<Path> freeSandbox() {
        for (int i = 0; i < SANDBOXES; i++) {
            Path sandbox = sandbox((number + i) % SANDBOXES);
            // The kernel gives an inode to the next namespace only when nobody has the last one open.
            if (pods.stream().noneMatch(pod -> pod.sandbox.equals(Optional.of(sandbox)))
                    && engine.pods().stream()
                            .noneMatch(uid -> engine.namespace(uid).equals(Optional.of(key(sandbox))))) {
                return Optional.of(sandbox);
            }
        }
        return Optional.empty();
    }

    private static <T> T one(T[] all, int number) {
        return List.of(all).get(number % all.length);
    }

    private Path sandbox(int index) {
        return directory.resolve("netns-" + index);
    }

    private static AmbientPod with(AmbientPod pod, Map<String, String> annotations, List<InetAddress> addresses) {
        return new AmbientPod(pod.uid(), pod.namespace(), pod.name(), pod.serviceAccount(), annotations, addresses);
    }

    private static FileKey key(Path sandbox) {
        try (SharedDescriptor opened = SharedDescriptor.open(sandbox)) {
            return opened.key();
        }
    }

    private static InetAddress address(int index) {
        try {
            return InetAddress.getByAddress(
                    index % 2 == 0
                            ? new byte[] {10, 0, 0, (byte) index}
                            : new byte[] {(byte) 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte) index});
        } catch (UnknownHostException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Deadline soon() {
        return Deadline.after(PATIENCE);
    }
}
