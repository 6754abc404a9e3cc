// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.ztunnel.ZtunnelException;
import dev.meshcni.ztunnel.ZtunnelException.Reason;
import dev.meshcni.ztunnel.ZtunnelServer;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

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
    private final Memberships memberships = new Memberships(this::isSpent);

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
            memberships.locked(pod, deadline, membership -> {
                try {
                    begin(membership, pod, namespace, Order.RULES_FIRST);
                    List<String> _ = drive(membership, deadline);
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
        Optional<Membership> present = memberships.of(uid);
        if (present.isEmpty() || !present.get().key().equals(ending)) {
            return false;
        }
        // An ADD of this sandbox that waits for ztunnel is not waited for.
        ztunnels.forget(uid);
        boolean[] ended = new boolean[1];
        memberships.locked(present.get().pod(), deadline, membership -> {
            if (membership.key().equals(ending)) {
                ended[0] = true;
                membership.want(Goal.GONE, Order.ZTUNNEL_FIRST);
            }
            // Otherwise an ADD of the next sandbox was faster, and its pod is wanted.
            List<String> _ = drive(membership, deadline);
        });
        return ended[0];
    }

    /**
     * Takes over a pod that runs, perhaps one that an earlier agent has enrolled: the next snapshot for a ztunnel names
     * it, and the kubelet's probes are exempt. Waits for no ztunnel, and looks at nothing: {@link #settle} does. If an
     * ADD has told its namespace meanwhile, that one counts ({@link #isHeld}).
     *
     * @param netns its network namespace
     * @throws AmbientException if it cannot be opened
     */
    public void adopt(AmbientPod pod, Path netns, Deadline deadline) {
        try (SharedDescriptor namespace = open(pod, netns)) {
            memberships.locked(pod, deadline, membership -> {
                if (!membership.isHeld()) {
                    begin(membership, pod, namespace, Order.ZTUNNEL_FIRST);
                    announce(pod, () -> ztunnels.want(pod.uid(), pod.info(), namespace));
                }
            });
        }
    }

    /**
     * Has ztunnel keep a pod that should be enrolled and whose namespace is not known. It counts as not enrolled until
     * {@link #adopt}.
     */
    public void expect(AmbientPod pod, Deadline deadline) {
        memberships.locked(pod, deadline, membership -> {
            if (membership.namespace().isEmpty()) {
                membership.want(Goal.ENROLLED, Order.ZTUNNEL_FIRST);
                announce(pod, () -> ztunnels.expect(pod.uid(), pod.info()));
                List<String> _ = drive(membership, deadline);
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
        leave(pod, () -> open(pod, netns), deadline);
    }

    /**
     * The same for a pod whose network namespace is held here.
     *
     * @throws AmbientException if a step fails, or it is not held
     */
    public void leave(AmbientPod pod, Deadline deadline) {
        leave(
                pod,
                () -> {
                    throw new AmbientException("pod " + pod + ": its network namespace is not known");
                },
                deadline);
    }

    private void leave(AmbientPod pod, Supplier<SharedDescriptor> namespace, Deadline deadline) {
        memberships.locked(pod, deadline, membership -> {
            membership.describe(pod);
            if (membership.namespace().isEmpty()) {
                membership.hold(namespace.get());
            }
            membership.want(Goal.LEFT, Order.ZTUNNEL_FIRST);
            List<String> _ = drive(membership, deadline);
        });
    }

    /**
     * Lets go of a pod that was deleted, or whose containers have ended.
     *
     * @throws AmbientException if a step fails; {@link #settle} goes on from there
     */
    public void gone(AmbientPod pod, Deadline deadline) {
        ztunnels.forget(pod.uid());
        memberships.locked(pod, deadline, membership -> {
            membership.want(Goal.GONE, Order.ZTUNNEL_FIRST);
            List<String> _ = drive(membership, deadline);
        });
    }

    /**
     * Inspects a pod again and does what is missing for what was wanted of it last: of one whose ADD or DEL has failed
     * half-way.
     *
     * @return what somebody has changed of a pod that was in the mesh as a whole, a line each
     * @throws AmbientException if a step fails
     */
    public List<String> settle(String uid, Deadline deadline) {
        List<String> changes = new ArrayList<>();
        memberships
                .of(uid)
                .ifPresent(present -> memberships.locked(
                        present.pod(), deadline, membership -> changes.addAll(drive(membership, deadline))));
        return changes;
    }

    /**
     * Inspects a pod that was taken over or has joined, whose annotations may have changed, and does what is missing:
     * when it joins, after a failure, when ztunnels have come or gone, and now and then. The addresses of its sandbox
     * are those that were told when it was opened: a status may still have those of the one before.
     *
     * @return what somebody has changed of a pod that was in the mesh as a whole, a line each
     * @throws AmbientException if a step fails
     */
    public List<String> settle(AmbientPod pod, Deadline deadline) {
        List<String> changes = new ArrayList<>();
        if (memberships.of(pod.uid()).isPresent()) {
            memberships.locked(pod, deadline, membership -> {
                if (membership.goal() == Goal.ENROLLED) {
                    List<InetAddress> told = membership.pod().addresses();
                    membership.describe(membership.isHeld() && !told.isEmpty() ? pod.withAddresses(told) : pod);
                }
                changes.addAll(drive(membership, deadline));
            });
        }
        return changes;
    }

    /**
     * What is missing for a pod to be in the mesh, besides its rules, a line each.
     *
     * @throws AmbientException if it cannot be seen
     */
    public List<String> missing(AmbientPod pod, Deadline deadline) {
        List<String> missing = new ArrayList<>();
        memberships.locked(pod, deadline, membership -> {
            try {
                missing.addAll(steps.observe(membership).missing());
            } catch (RedirectException e) {
                throw new AmbientException(
                        "pod " + pod + ", " + PodSteps.words(Step.RELEASE) + ": " + e.getMessage(), e);
            }
        });
        return missing;
    }

    /**
     * Makes the host's set hold the addresses of the enrolled pods and nothing else: when all pods of the node are
     * known.
     *
     * @return what was not so, a line each
     * @throws RedirectException if that fails
     */
    public List<String> sweepProbes() {
        return probes.sweep();
    }

    /** The UIDs of the pods about which something is known or wanted. */
    public Set<String> pods() {
        return memberships.uids();
    }

    /**
     * Returns whether the network namespace of a pod that is to be in the mesh is held. One that has left or ended does
     * not count, as its sandbox may be another one by now.
     */
    public boolean isHeld(String uid) {
        return memberships.of(uid).filter(Membership::isHeld).isPresent();
    }

    /** The namespace that is held for a pod. */
    public Optional<FileKey> namespace(String uid) {
        return memberships.of(uid).flatMap(Membership::key);
    }

    /** The pod of a UID, as it was described last. */
    public Optional<AmbientPod> pod(String uid) {
        return memberships.of(uid).map(Membership::pod);
    }

    /** Lets go of all namespaces. Pods stay as they are: ztunnel serves them without this process. */
    @Override
    public void close() {
        memberships.close();
    }

    /** For pods of an earlier agent: until one has looked at them, ztunnel and probes go on as they did. */
    private void announce(AmbientPod pod, Runnable toZtunnel) {
        try {
            toZtunnel.run();
            probes.exempt(pod);
        } catch (ZtunnelException | RedirectException e) {
            throw new AmbientException("pod " + pod + ": " + e.getMessage(), e);
        }
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
            List<String> _ = drive(membership, Deadline.after(UNDO_TIME));
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    /** Does what is to be done, one step after the other; what somebody has changed since the last time. */
    private List<String> drive(Membership membership, Deadline deadline) {
        Step last = Step.RELEASE;
        boolean redirected = true;
        try {
            Observed so = steps.observe(membership);
            List<String> changes = membership.isComplete() ? steps.changes(membership, so) : List.of();
            membership.complete(false);
            for (int i = 0; i < MAX_STEPS; i++) {
                Optional<Step> step = NextStep.of(membership.goal(), so, membership.order());
                if (step.isEmpty()) {
                    membership.complete(membership.goal() == Goal.ENROLLED && so.status() == MeshStatus.ENABLED);
                    return changes;
                }
                last = step.get();
                redirected = so.rules() != PodRules.State.ABSENT;
                so = steps.perform(last, membership, so, deadline);
            }
        } catch (RedirectException | ZtunnelException | InvalidParameterException e) {
            AmbientException failure = new AmbientException(
                    "pod " + membership.pod() + ", " + PodSteps.words(last) + ": " + e.getMessage(), e);
            if (!redirected && e instanceof ZtunnelException refusal && refusal.reason() == Reason.REFUSED) {
                // A pod that ztunnel cannot serve keeps it unready, and so its own rollout from going on.
                ztunnels.forget(membership.pod().uid());
            }
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
            MeshStatus shown = so.statusFor(membership.goal());
            // One that leaves, and was shown as nothing, is not brought up again.
            if (so.shown() != shown && (membership.goal() == Goal.ENROLLED || so.shown() != MeshStatus.NONE)) {
                status.show(membership.pod(), shown);
            }
        } catch (RedirectException | InvalidParameterException e) {
            failure.addSuppressed(e);
        }
    }

    /** Returns whether a membership stands for nothing any more. */
    private boolean isSpent(Membership membership) {
        AmbientPod pod = membership.pod();
        return membership.goal() != Goal.ENROLLED
                && membership.namespace().isEmpty()
                && !ztunnels.isWanted(pod.uid())
                && !probes.hasClaims(pod);
    }
}
