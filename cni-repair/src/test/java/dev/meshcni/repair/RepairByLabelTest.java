// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static dev.meshcni.testkit.Eventually.eventually;
import static dev.meshcni.testkit.TestPods.NAMESPACE;
import static dev.meshcni.testkit.TestPods.injected;
import static dev.meshcni.testkit.TestPods.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.repair.RepairSettings.Mode;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pods without redirection that are labelled ({@code --repair-label-pods}). */
@Timeout(120)
@Slow
class RepairByLabelTest extends RepairFixture {
    @Test
    void aLabelledPodWithoutRedirectionIsCounted() throws Exception {
        Pod web = create(started(injected("web")));
        start(Mode.LABEL, FAST_ROUNDS, false);

        eventually("the label is set", () -> server.calls(call -> call.path().endsWith("/status")) == 1);
        int looks = namespaces.looks();
        eventually("several rounds are over", () -> namespaces.looks() > looks + 10);
        assertThat(scrape()).contains("meshcni_drifted_pods 1.0", "meshcni_unredirected_pods 1.0");

        namespaces.redirect(uid(web));

        eventually(
                "it is as it should be",
                () -> scrape().contains("meshcni_drifted_pods 0.0")
                        && scrape().contains("meshcni_unredirected_pods 0.0"));
    }

    @Test
    void nothingIsLabelledWhileTheNodeCannotRedirect() throws Exception {
        cannotRedirect = Optional.of("the plugin is not installed");
        create(started(injected("web")));
        start(Mode.LABEL, FAST_ROUNDS, false);

        eventually("it is counted", () -> scrape().contains("meshcni_unredirected_pods 1.0"));
        eventually("several rounds are over", () -> namespaces.looks() > 8);
        assertThat(server.calls(RepairFixture::isWrite)).isZero();
        cannotRedirect = Optional.empty();

        eventually("the label is set", () -> server.calls(call -> call.path().endsWith("/status")) == 1);
    }

    @Test
    void modeLabelSetsTheLabelOnce() throws Exception {
        create(started(injected("web")));
        start(Mode.LABEL, FAST_ROUNDS, false);

        eventually(
                "the label is set",
                () -> server.pod(NAMESPACE, "web")
                        .filter(pod ->
                                "true".equals(pod.getMetadata().getLabels().get(LABEL)))
                        .isPresent());
        eventually("later rounds skip it", () -> !counted("label", "skip", 0));
        assertThat(server.calls(call -> call.method().equals("PATCH"))).isEqualTo(1);
        assertThat(server.calls(call -> call.path().endsWith("/status"))).isEqualTo(1);
    }
}
