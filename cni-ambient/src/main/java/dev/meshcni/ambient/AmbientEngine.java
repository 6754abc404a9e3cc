// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.ZtunnelException;
import dev.meshcni.ztunnel.ZtunnelServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Has pods join the mesh of their node's ztunnel, and leave it.
 *
 * <p>For each pod there is what is wanted of it and what is so: its rules, ztunnel's acknowledgement for its namespace
 * and ztunnel's listeners, the exemption of the kubelet's probes, and the status that others see. {@link NextStep}
 * decides from both; this does one step after the other until nothing is to be done, or a step fails. What was not
 * reached is left for the next call ({@link #settle}): all steps can be repeated, and none depends on what was
 * remembered.
 *
 * <p>A pod is its UID. Work for one pod is done by one thread at a time, for different pods at once. For any thread.
 */
public final class AmbientEngine implements AutoCloseable {
    /** The time for taking back what was done, when the time of the call may be over. */
    private static final Duration UNDO_TIME = Duration.ofSeconds(10);

    /** More steps than any way from one state to another has, as a test of all states shows. */
    static final int MAX_STEPS = 12;

    private final ZtunnelServer ztunnels;
    private final ProbeExemptions probes;
    private final StatusOutput status;
    private final PodSteps steps;
    private final PodNamespaces namespaces;
    private final ConcurrentHashMap<String, Membership> memberships = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /** An engine that closes none of these. */
    public AmbientEngine(
            ZtunnelServer ztunnels, PodRules rules, ProbeSet probes, StatusOutput status, PodNamespaces namespaces) {
        this.ztunnels = requireNonNull(ztunnels, "ztunnels is null");
        this.probes = new ProbeExemptions(probes);
        this.status = requireNonNull(status, "status is null");
        this.steps = new PodSteps(ztunnels, rules, this.probes, status);
        this.namespaces = requireNonNull(namespaces, "namespaces is null");
    }

    /**
     * Enrols a pod that is being made (CNI ADD): as a whole, or not at all. On a failure all that was done is taken
     * back, before it is thrown.
     *
     * @param netns its network namespace, as the runtime names it
     * @throws AmbientException if it cannot be enrolled in time, and why
     */
    public void add(AmbientPod pod, Path netns, Deadline deadline) {
        try (SharedDescriptor namespace = open(pod, netns)) {
            locked(pod, deadline, membership -> {
                try {
                    begin(membership, pod, namespace, Order.RULES_FIRST);
                    drive(membership, deadline);
                } catch (RuntimeException e) {
                    takeBack(membership, e);
                    throw e;
                }
            });
        }
    }

    /**
     * Lets go of a pod whose sandbox is taken down (CNI DEL), at once: ztunnel holds the namespace until then. A late
     * DEL of an earlier sandbox changes nothing.
     *
     * @return whether it was the sandbox that the pod has
     * @throws AmbientException if a step fails; the rest is done by {@link #settle}
     */
    public boolean delete(String uid, Path netns, Deadline deadline) {
        Optional<FileKey> ending;
        try (SharedDescriptor namespace = namespaces.open(netns)) {
            ending = Optional.of(namespace.key());
        } catch (NetnsException e) {
            // It has ended already; the end of the pod is heard of from the API server as well.
            return false;
        } catch (RedirectException e) {
            throw new AmbientException("DEL of the pod with UID " + uid + ": " + e.getMessage(), e);
        }
        Membership present = memberships.get(uid);
        if (present == null || !present.key().equals(ending)) {
            return false;
        }
        // An ADD of this sandbox that waits for ztunnel is not waited for.
        ztunnels.forget(uid);
        boolean[] ended = new boolean[1];
        locked(present.pod(), deadline, membership -> {
            if (membership.key().equals(ending)) {
                ended[0] = true;
                membership.want(Goal.GONE, Order.ZTUNNEL_FIRST);
            }
            // Otherwise an ADD of the next sandbox was faster, and its pod is wanted.
            drive(membership, deadline);
        });
        return ended[0];
    }

    /**
     * Enrols a pod that runs. On a failure what was reached stays, and {@link #settle} goes on from there.
     *
     * @param netns its network namespace
     * @throws AmbientException if a step fails
     */
    public void enrol(AmbientPod pod, Path netns, Order order, Deadline deadline) {
        try (SharedDescriptor namespace = open(pod, netns)) {
            locked(pod, deadline, membership -> {
                begin(membership, pod, namespace, order);
                drive(membership, deadline);
            });
        }
    }

    /**
     * Has ztunnel keep a pod that should be enrolled and whose namespace is not known. It counts as not enrolled until
     * {@link #enrol}.
     */
    public void expect(AmbientPod pod, Deadline deadline) {
        locked(pod, deadline, membership -> {
            if (membership.namespace().isEmpty()) {
                membership.want(Goal.ENROLLED, Order.ZTUNNEL_FIRST);
                ztunnels.expect(pod.uid(), pod.info());
                drive(membership, deadline);
            }
        });
    }

    /**
     * Takes a pod that runs out of the mesh: its rules first, and ztunnel when they are out, so that it is not cut off
     * whatever fails.
     *
     * @param netns its network namespace; not opened if the pod's is held here
     * @throws AmbientException if a step fails; {@link #settle} goes on from there
     */
    public void leave(AmbientPod pod, Path netns, Deadline deadline) {
        locked(pod, deadline, membership -> {
            membership.describe(pod);
            if (membership.namespace().isEmpty()) {
                membership.hold(open(pod, netns));
            }
            membership.want(Goal.LEFT, Order.ZTUNNEL_FIRST);
            drive(membership, deadline);
        });
    }

    /**
     * Lets go of a pod that was deleted, or whose containers have ended.
     *
     * @throws AmbientException if a step fails; {@link #settle} goes on from there
     */
    public void gone(AmbientPod pod, Deadline deadline) {
        ztunnels.forget(pod.uid());
        locked(pod, deadline, membership -> {
            membership.want(Goal.GONE, Order.ZTUNNEL_FIRST);
            drive(membership, deadline);
        });
    }

    /**
     * Looks at a pod again and does what is missing: after a failure, when ztunnels have come or gone, and now and
     * then.
     *
     * @throws AmbientException if a step fails
     */
    public void settle(String uid, Deadline deadline) {
        Membership present = memberships.get(uid);
        if (present != null) {
            locked(present.pod(), deadline, membership -> drive(membership, deadline));
        }
    }

    /**
     * Makes the host's set hold the addresses of the enrolled pods and nothing else: when all pods of the node are
     * known.
     *
     * @throws RedirectException if that fails
     */
    public void sweepProbes() {
        probes.sweep();
    }

    /** The UIDs of the pods about which something is known or wanted. */
    public Set<String> pods() {
        return Set.copyOf(memberships.keySet());
    }

    /** The namespace that is held for a pod. */
    public Optional<FileKey> namespace(String uid) {
        return Optional.ofNullable(memberships.get(uid)).flatMap(Membership::key);
    }

    /** Lets go of all namespaces. Pods stay as they are: ztunnel serves them without this process. */
    @Override
    public void close() {
        closed = true;
        memberships.values().forEach(membership -> {
            membership.lock.lock();
            try {
                membership.release();
                membership.remove();
            } finally {
                membership.lock.unlock();
            }
        });
        memberships.clear();
    }

    private SharedDescriptor open(AmbientPod pod, Path netns) {
        try {
            return namespaces.open(netns);
        } catch (RedirectException e) {
            throw new AmbientException("the network namespace of pod " + pod + ": " + e.getMessage(), e);
        }
    }

    private void begin(Membership membership, AmbientPod pod, SharedDescriptor namespace, Order order) {
        if (!membership.key().equals(Optional.of(namespace.key()))) {
            if (membership.namespace().isPresent()) {
                renew(membership.pod());
            }
            membership.hold(namespace.share());
        }
        membership.describe(pod);
        membership.want(Goal.ENROLLED, order);
    }

    /** Another sandbox of the same pod: what it has claimed was the former one's. */
    private void renew(AmbientPod pod) {
        try {
            probes.renew(pod);
        } catch (RedirectException e) {
            throw new AmbientException(
                    "pod " + pod + ", ending the exemptions of its former sandbox: " + e.getMessage(), e);
        }
    }

    private void takeBack(Membership membership, RuntimeException failure) {
        membership.want(Goal.LEFT, Order.ZTUNNEL_FIRST);
        try {
            drive(membership, Deadline.after(UNDO_TIME));
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    /** Does what is to be done, one step after the other. */
    private void drive(Membership membership, Deadline deadline) {
        Step last = Step.RELEASE;
        try {
            Observed so = steps.observe(membership);
            for (int i = 0; i < MAX_STEPS; i++) {
                Optional<Step> step = NextStep.of(membership.goal(), so, membership.order());
                if (step.isEmpty()) {
                    return;
                }
                last = step.get();
                so = steps.perform(last, membership, so, deadline);
            }
        } catch (RedirectException | ZtunnelException e) {
            AmbientException failure = new AmbientException(
                    "pod " + membership.pod() + ", " + PodSteps.words(last) + ": " + e.getMessage(), e);
            showWhatIsSo(membership, failure);
            throw failure;
        }
        throw new AmbientException("pod " + membership.pod() + " is not as wanted after " + MAX_STEPS
                + " steps, the last of which was " + PodSteps.words(last));
    }

    /** After a failure: others hear what is so, and not what was hoped for. */
    private void showWhatIsSo(Membership membership, AmbientException failure) {
        if (membership.goal() == Goal.GONE) {
            return;
        }
        try {
            Observed so = steps.observe(membership);
            MeshStatus shown = membership.goal() == Goal.ENROLLED ? so.status() : MeshStatus.NONE;
            if (so.shown() != shown) {
                status.show(membership.pod(), shown);
            }
        } catch (RedirectException e) {
            failure.addSuppressed(e);
        }
    }

    /** Drops what stands for nothing any more. */
    private void prune(Membership membership) {
        AmbientPod pod = membership.pod();
        if (membership.goal() == Goal.ENROLLED
                || membership.namespace().isPresent()
                || ztunnels.isWanted(pod.uid())
                || probes.hasClaims(pod)) {
            return;
        }
        membership.remove();
        memberships.remove(pod.uid(), membership);
    }

    /** Works for a pod when nobody else does. */
    private void locked(AmbientPod pod, Deadline deadline, Consumer<Membership> work) {
        while (true) {
            Membership membership = memberships.computeIfAbsent(pod.uid(), _ -> new Membership(pod));
            lock(membership, deadline);
            try {
                if (closed) {
                    membership.release();
                    membership.remove();
                    memberships.remove(pod.uid(), membership);
                    throw new AmbientException("pod " + pod + ": the agent is stopping");
                }
                if (!membership.isRemoved()) {
                    try {
                        work.accept(membership);
                    } finally {
                        prune(membership);
                    }
                    return;
                }
            } finally {
                membership.lock.unlock();
            }
        }
    }

    private static void lock(Membership membership, Deadline deadline) {
        try {
            if (!membership.lock.tryLock(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new AmbientException("timeout waiting for another operation on pod " + membership.pod());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AmbientException("interrupted while waiting for pod " + membership.pod(), e);
        }
    }
}
