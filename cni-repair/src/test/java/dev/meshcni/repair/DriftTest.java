// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static dev.meshcni.testkit.Eventually.eventually;
import static dev.meshcni.testkit.TestPods.NAMESPACE;
import static dev.meshcni.testkit.TestPods.injected;
import static dev.meshcni.testkit.TestPods.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.repair.RepairSettings.Mode;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Pod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Running pods whose rules are not those that they should have. */
@Timeout(120)
@Slow
class DriftTest extends RepairFixture {
    @Test
    void rulesThatWereChangedAreReportedAndLeftAlone() throws Exception {
        Pod web = create(started(injected("web")));
        redirectedHere.add(uid(web));
        namespaces.change(uid(web));
        start(Mode.REPAIR, FAST_ROUNDS, false);

        eventually("it is counted", () -> scrape().contains("meshcni_drifted_pods 1.0"));
        assertThat(namespaces.applied()).isZero();
        server.delete(NAMESPACE, "web");
        eventually("it is forgotten", () -> scrape().contains("meshcni_drifted_pods 0.0"));
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void rulesThatCannotBeReadAreReportedAndNeverFine(Mode mode) throws Exception {
        Pod web = create(started(injected("web")));
        namespaces.garble(uid(web));
        try (CapturedLog log = CapturedLog.of(RepairController.class)) {
            start(mode, FAST_ROUNDS, true);

            eventually("it is counted", () -> scrape().contains("meshcni_unreadable_pods 1.0"));
            int looks = namespaces.looks();
            eventually("several rounds are over", () -> namespaces.looks() > looks + 4);
            assertThat(log.lines())
                    .containsExactly("WARN cannot read the rules of pod shop/web, redirection unknown: garbled");
            assertThat(server.calls(RepairFixture::isWrite)).isZero();
        }
        server.delete(NAMESPACE, "web");
        eventually("it is forgotten", () -> scrape().contains("meshcni_unreadable_pods 0.0"));
    }

    @Test
    void rulesThatWereChangedArePutRightWhereThatIsAllowed() throws Exception {
        Pod web = create(started(injected("web")));
        redirectedHere.add(uid(web));
        namespaces.change(uid(web));
        start(Mode.REPAIR, FAST_ROUNDS, true);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        eventually("nothing differs", () -> scrape().contains("meshcni_drifted_pods 0.0"));
    }
}
