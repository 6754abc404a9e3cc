// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A node in memory: the rules in its namespaces, the host's set, the statuses that others see; ztunnel's listeners are
 * the proxies of those that run. Each change can fail, before it is made or after.
 */
final class FakeNode implements PodRules, StatusOutput {
    /** What happens at the n-th change: nothing, a failure before it, or one after it. */
    enum Failure {
        NONE,
        BEFORE,
        AFTER
    }

    /** Some of the rules that a pod should have. */
    static final Map<String, String> HALF = Map.of("half", "of them");

    final MemoryProbeSet probes = new MemoryProbeSet(true);
    final List<FakeZtunnel> ztunnels = new CopyOnWriteArrayList<>();
    private final Map<FileKey, Map<String, String>> rules = new HashMap<>();
    private final Map<String, MeshStatus> statuses = new HashMap<>();
    private int deaf;
    private int changes;
    private int failingChange = -1;
    private Failure failure = Failure.NONE;

    FakeNode() {
        probes.before(() -> change(() -> {}));
    }

    /** Has one of the next changes fail, counted from 0; the others do not. */
    synchronized void failAt(int change, Failure how) {
        changes = 0;
        failingChange = change;
        failure = how;
    }

    /** The next so many times, ztunnel's ports are found closed. */
    synchronized void closePorts(int times) {
        deaf = times;
    }

    synchronized int changes() {
        return changes;
    }

    synchronized Optional<Map<String, String>> rulesIn(FileKey namespace) {
        return Optional.ofNullable(rules.get(namespace));
    }

    synchronized void putRules(FileKey namespace, Map<String, String> some) {
        rules.put(namespace, some);
    }

    /** The namespace has ended, and its rules with it. */
    synchronized void end(FileKey namespace) {
        rules.remove(namespace);
    }

    synchronized MeshStatus status(String uid) {
        return statuses.getOrDefault(uid, MeshStatus.NONE);
    }

    /** As somebody with kubectl does, or the pod's end. */
    synchronized void setStatus(String uid, MeshStatus status) {
        statuses.put(uid, status);
    }

    @Override
    public synchronized State state(AmbientPod pod, SharedDescriptor namespace) {
        return rulesIn(namespace.key()).map(found -> state(pod, found)).orElse(State.ABSENT);
    }

    private static State state(AmbientPod pod, Map<String, String> found) {
        return found.equals(pod.annotations()) ? State.AS_WANTED : found.equals(HALF) ? State.PARTIAL : State.DIFFERENT;
    }

    @Override
    public List<String> differences(AmbientPod pod, SharedDescriptor namespace) {
        return switch (state(pod, namespace)) {
            case AS_WANTED -> List.of();
            case ABSENT -> List.of("no rules");
            case PARTIAL -> List.of("some of the rules are missing");
            case DIFFERENT -> List.of("other rules");
        };
    }

    @Override
    public void apply(AmbientPod pod, SharedDescriptor namespace, Deadline deadline) {
        change(() -> putRules(namespace.key(), pod.annotations()));
    }

    @Override
    public void remove(SharedDescriptor namespace, Deadline deadline) {
        change(() -> end(namespace.key()));
    }

    @Override
    public synchronized boolean isListening(AmbientPod pod, SharedDescriptor namespace) {
        if (deaf > 0) {
            deaf--;
            return false;
        }
        return ztunnels.stream().anyMatch(ztunnel -> ztunnel.listensIn(namespace.key()));
    }

    @Override
    public MeshStatus shown(AmbientPod pod) {
        return status(pod.uid());
    }

    @Override
    public void show(AmbientPod pod, MeshStatus status) {
        setStatus(pod.uid(), status);
    }

    private synchronized void change(Runnable change) {
        boolean failing = changes++ == failingChange;
        if (failing && failure == Failure.BEFORE) {
            throw new RedirectException("injected before");
        }
        change.run();
        if (failing && failure == Failure.AFTER) {
            throw new RedirectException("injected after");
        }
    }
}
