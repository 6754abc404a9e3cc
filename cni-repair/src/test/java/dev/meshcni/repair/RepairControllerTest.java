// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static dev.meshcni.testkit.Eventually.eventually;
import static dev.meshcni.testkit.TestPods.NAMESPACE;
import static dev.meshcni.testkit.TestPods.crashing;
import static dev.meshcni.testkit.TestPods.injected;
import static dev.meshcni.testkit.TestPods.started;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.kubernetes.PodSelection;
import dev.meshcni.repair.RepairSettings.Mode;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.Pod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Pods that are redirected while they run, and those that repair leaves alone in whatever mode. */
@Timeout(120)
@Slow
class RepairControllerTest extends RepairFixture {
    @Test
    void aPodThatRanBeforeTheDaemonIsRedirectedWhileItRuns() throws Exception {
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        eventually("it is counted", () -> counted("repair", "success", 1));
        eventually("it has an event", () -> server.calls(RepairFixture::isEvent) == 1);
        assertThat(server.pod(NAMESPACE, "web").orElseThrow().getMetadata().getUid())
                .isEqualTo(uid(web));
    }

    @Test
    void aPodThatStartsLaterIsFoundByTheWatch() throws Exception {
        start(Mode.REPAIR);
        Pod web = create(injected("web"));
        server.update(NAMESPACE, "web", TestPods::started);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
    }

    @Test
    void aPodThatHasNoProcessYetIsLookedIntoAgainWhenItHasStarted() throws Exception {
        Pod web = server.create(started(injected("web")));
        try (CapturedLog log = CapturedLog.of(RepairController.class)) {
            start(Mode.REPAIR);
            eventually("it was looked for", () -> namespaces.looks() > 0);
            namespaces.add(uid(web));
            server.update(NAMESPACE, "web", TestPods::started);

            eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
            assertThat(log.lines()).noneMatch(line -> line.startsWith("WARN"));
        }
    }

    @Test
    void aPodWhoseValidationFailsIsRedirectedWhileItRuns() throws Exception {
        Pod web = create(crashing(injected("web"), 126));
        start(Mode.REPAIR);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aHealthyPodIsNeverTouched(Mode mode) throws Exception {
        create(started(injected("not-injected")
                .edit()
                .editMetadata()
                .withAnnotations(null)
                .endMetadata()
                .build()));
        Pod healthy = create(started(injected("healthy")));
        start(Mode.REPAIR);
        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(healthy)));
        eventually("it has its event", () -> server.calls(RepairFixture::isEvent) == 1);
        controller.close();
        pods.close();
        api.close();
        long writes = server.calls(RepairFixture::isWrite);
        int applied = namespaces.applied();
        int looks = namespaces.looks();

        start(mode, FAST_ROUNDS, false);
        eventually("several rounds are over", () -> namespaces.looks() > looks + 20);

        assertThat(server.calls(RepairFixture::isWrite)).isEqualTo(writes);
        assertThat(namespaces.applied()).isEqualTo(applied);
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aCrashChangesNothingWhereTheNamespaceCannotBeSeen(Mode mode) throws Exception {
        namespaces.hide();
        create(crashing(injected("web"), 126));
        try (CapturedLog log = CapturedLog.of(RepairController.class)) {
            start(mode, FAST_ROUNDS, true);

            eventually("it is said", () -> log.lines().toString().contains("pods are not repaired in place: hidden"));
            assertThat(server.calls(RepairFixture::isWrite)).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aCrashChangesNothingWhereTheRedirectionIsThere(Mode mode) throws Exception {
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR);
        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        eventually("it has its event", () -> server.calls(RepairFixture::isEvent) == 1);
        controller.close();
        pods.close();
        api.close();
        int looks = namespaces.looks();
        server.update(NAMESPACE, "web", pod -> crashing(pod, 126));

        start(mode, FAST_ROUNDS, true);

        eventually("several rounds are over", () -> namespaces.looks() > looks + 4);
        assertThat(server.calls(RepairFixture::isWrite)).isEqualTo(1);
        assertThat(namespaces.applied()).isEqualTo(1);
    }

    @Test
    void aPodThatHasNotStartedIsLeftToItsOwnAdd() throws Exception {
        Pod early = create(injected("early"));
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR);

        eventually("the other pod is redirected", () -> namespaces.isRedirected(uid(web)));
        assertThat(namespaces.isRedirected(uid(early))).isFalse();
    }

    @Test
    void aPodThatThisAgentHasRedirectedIsNotLookedInto() throws Exception {
        redirectedHere.add(uid(create(started(injected("ours")))));
        start(Mode.REPAIR);
        Pod other = create(started(injected("other")));
        eventually("the other pod is redirected", () -> namespaces.isRedirected(uid(other)));

        assertThat(namespaces.applied()).isEqualTo(1);
    }

    @Test
    void aPodOnItsWayOutIsLeftAlone() throws Exception {
        Pod finished = create(started(injected("finished"))
                .edit()
                .editStatus()
                .withPhase("Succeeded")
                .endStatus()
                .build());
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR, FAST_ROUNDS, true);

        eventually("the other pod is redirected", () -> namespaces.isRedirected(uid(web)));
        assertThat(namespaces.isRedirected(uid(finished))).isFalse();
    }

    @Test
    void aRepairThatFailsIsTriedAgain() throws Exception {
        namespaces.fail(2);
        Pod web = create(started(injected("web")));
        start(Mode.REPAIR);

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        eventually("all is counted", () -> counted("repair", "fail", 2) && counted("repair", "success", 1));
    }

    @Test
    void aPodIsRepairedWhileTheServerIsGone() throws Exception {
        Pod web = create(started(injected("web")));
        redirectedHere.add(uid(web));
        start(Mode.REPAIR, FAST_ROUNDS, false);
        namespaces.clear(uid(web));
        server.disconnect();

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
    }

    @Test
    void eventsThatAreForbiddenDoNotKeepAPodFromRepair() throws Exception {
        server.fail(RepairFixture::isEvent, Integer.MAX_VALUE, 403);
        Pod one = create(started(injected("one")));
        Pod two = create(started(injected("two")));
        start(Mode.REPAIR);

        eventually("both are redirected", () -> namespaces.isRedirected(uid(one)) && namespaces.isRedirected(uid(two)));
    }

    @Test
    void aPodThatWasSetUpWhileThePluginWasMissingIsRedirectedBeforeItsContainersStart() throws Exception {
        start(Mode.REPAIR);
        Pod early = create(injected("early"));
        Pod added = create(injected("added"));
        redirectedHere.add(uid(added));

        controller.pluginWasMissing();
        Pod late = create(injected("late"));

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(early)));
        eventually("so is one that comes to be known later", () -> namespaces.isRedirected(uid(late)));
        assertThat(namespaces.applied()).isEqualTo(2);
    }

    @Test
    void aPodThatTheSelectorsDoNotMeanIsLeftAlone() throws Exception {
        Pod other = create(started(injected("other")));
        Pod web = create(started(injected("web")
                .edit()
                .editMetadata()
                .addToLabels("app", "web")
                .endMetadata()
                .build()));
        start(settings(Mode.REPAIR, FAST_ROUNDS, true, PodSelection.parse("", "app=web", "")));

        eventually("the pod is redirected", () -> namespaces.isRedirected(uid(web)));
        assertThat(namespaces.isRedirected(uid(other))).isFalse();
    }
}
