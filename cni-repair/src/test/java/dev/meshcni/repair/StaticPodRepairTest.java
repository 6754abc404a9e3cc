// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static dev.meshcni.testkit.Eventually.eventually;
import static dev.meshcni.testkit.TestPods.NAMESPACE;
import static dev.meshcni.testkit.TestPods.STATIC_UID;
import static dev.meshcni.testkit.TestPods.injected;
import static dev.meshcni.testkit.TestPods.mirror;
import static dev.meshcni.testkit.TestPods.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.MirrorPod;
import dev.meshcni.repair.RepairSettings.Mode;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Pod;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pods of manifests on the node, which the API server knows by their mirrors only. */
@Timeout(120)
@Slow
class StaticPodRepairTest extends RepairFixture {
    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"REPAIR", "DELETE", "LABEL"})
    void aStaticPodIsLookedIntoAndNotChanged(Mode mode) throws Exception {
        server.create(mirror(started(injected("static")), STATIC_UID));
        namespaces.add(STATIC_UID);
        start(mode, NO_ROUNDS, true);

        eventually("it is counted", () -> counted(mode.label(), "skip", 1));
        assertThat(server.pod(NAMESPACE, "static")).isPresent();
        assertThat(server.calls(RepairFixture::isWrite)).isZero();
        assertThat(namespaces.isRedirected(STATIC_UID)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(
            value = Mode.class,
            names = {"REPAIR", "DELETE", "LABEL"})
    void aStaticPodThatTwoPodsClaimToBeIsNotLookedInto(Mode mode) throws Exception {
        server.create(mirror(started(injected("static")), STATIC_UID));
        server.create(mirror(started(injected("other")), STATIC_UID));
        namespaces.add(STATIC_UID);
        start(mode, FAST_ROUNDS, true);

        eventually("both were looked for", () -> namespaces.looks() > 4);
        assertThat(counted(mode.label(), "skip", 0)).isTrue();
        assertThat(server.calls(RepairFixture::isWrite)).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void noAnnotationOfAPodLeadsIntoTheNamespaceOfAnotherOne(boolean mirror) throws Exception {
        Pod victim = create(started(injected("victim")
                .edit()
                .editMetadata()
                .withAnnotations(null)
                .endMetadata()
                .build()));
        Pod attacker = create(naming(started(injected("attacker")), uid(victim), mirror));
        Pod last = create(started(injected("last")));
        start(Mode.REPAIR, FAST_ROUNDS, true);

        eventually("the others are redirected", () -> namespaces.isRedirected(uid(last)));
        eventually("several rounds are over", () -> namespaces.looks() > 8);
        // A mirror has no namespace of its own: no kubelet runs it.
        assertThat(namespaces.isRedirected(uid(attacker))).isEqualTo(!mirror);
        assertThat(namespaces.isRedirected(uid(victim))).isFalse();
    }

    /** A pod whose author has written the UID of another one wherever the kubelet writes that of a static pod. */
    private static Pod naming(Pod pod, String other, boolean mirror) {
        return mirror
                ? mirror(pod, other.replace("-", ""))
                : pod.edit()
                        .editMetadata()
                        .addToAnnotations(MirrorPod.CONFIG_HASH, other)
                        .endMetadata()
                        .build();
    }
}
