// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.ztunnel.ZtunnelServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Observes a pod and takes steps, in its namespace, with ztunnel, in the host's set, and for others to see.
 *
 * @param ztunnels serves it
 * @param rules are in its namespace
 * @param probes reach it
 * @param status is shown of it
 */
record PodSteps(ZtunnelServer ztunnels, PodRules rules, ProbeExemptions probes, StatusOutput status) {
    PodSteps {
        requireNonNull(ztunnels, "ztunnels is null");
        requireNonNull(rules, "rules is null");
        requireNonNull(probes, "probes is null");
        requireNonNull(status, "status is null");
    }

    /** What is so now. */
    Observed observe(Membership membership) {
        AmbientPod pod = membership.pod();
        Optional<SharedDescriptor> namespace = membership.namespace();
        boolean served = namespace
                .filter(held -> ztunnels.isServed(pod.uid(), held.key()))
                .isPresent();
        return new Observed(
                namespace.isPresent(),
                namespace.map(held -> rules.state(pod, held)).orElse(PodRules.State.ABSENT),
                ztunnels.isWanted(pod.uid()),
                served,
                served && rules.isListening(pod, namespace.get()),
                probes.isExempt(pod),
                probes.isClaimedBy(pod),
                status.shown(pod));
    }

    /** What somebody has changed of a pod that was in the mesh as a whole, a line each. */
    List<String> changes(Membership membership, Observed so) {
        List<String> changes = new ArrayList<>();
        if (so.rules() != PodRules.State.AS_WANTED) {
            changes.addAll(rules.differences(membership.pod(), held(membership)));
        }
        changes.addAll(so.changes());
        return changes;
    }

    /** Takes a step; what is so then, as far as it follows from that. */
    Observed perform(Step step, Membership membership, Observed so, Deadline deadline) {
        AmbientPod pod = membership.pod();
        return switch (step) {
            case APPLY_RULES -> {
                rules.apply(pod, held(membership), deadline);
                yield so.withRules(PodRules.State.AS_WANTED);
            }
            case SERVE -> {
                ztunnels.serve(pod.uid(), pod.info(), held(membership), deadline);
                yield so.withZtunnel(true, true, rules.isListening(pod, held(membership)));
            }
            case SERVE_ANEW -> {
                ztunnels.forget(pod.uid());
                boolean _ = ztunnels.awaitForgotten(pod.uid(), deadline);
                ztunnels.serve(pod.uid(), pod.info(), held(membership), deadline);
                if (!rules.isListening(pod, held(membership))) {
                    throw new RedirectException(
                            "ztunnel says that it serves the pod, but its ports are not open in " + held(membership));
                }
                yield so.withZtunnel(true, true, true);
            }
            case EXEMPT_PROBES -> {
                probes.exempt(pod);
                yield so.withExemption(true);
            }
            case SHOW_STATUS -> {
                MeshStatus shown = so.statusFor(membership.goal());
                status.show(pod, shown);
                yield so.withShown(shown);
            }
            case REMOVE_RULES -> {
                rules.remove(held(membership), deadline);
                yield so.withRules(PodRules.State.ABSENT);
            }
            case FORGET -> {
                ztunnels.forget(pod.uid());
                yield so.withZtunnel(false, false, false);
            }
            case END_EXEMPTION -> {
                probes.end(pod);
                yield so.withExemption(false);
            }
            case RELEASE -> {
                membership.release();
                yield so.released();
            }
        };
    }

    /** As messages name it. */
    static String words(Step step) {
        return switch (step) {
            case APPLY_RULES -> "applying its rules";
            case SERVE, SERVE_ANEW -> "giving it to ztunnel";
            case EXEMPT_PROBES -> "exempting the kubelet's probes";
            case SHOW_STATUS -> "showing its status";
            case REMOVE_RULES -> "removing its rules";
            case FORGET -> "taking it from ztunnel";
            case END_EXEMPTION -> "ending the exemption of the kubelet's probes";
            case RELEASE -> "reading its state";
        };
    }

    private static SharedDescriptor held(Membership membership) {
        return membership.namespace().orElseThrow();
    }
}
