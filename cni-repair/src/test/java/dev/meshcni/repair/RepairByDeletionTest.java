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
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.Slow;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pods without redirection that are deleted, so that their controllers replace them ({@code --repair-delete-pods}). */
@Timeout(120)
@Slow
class RepairByDeletionTest extends RepairFixture {
    @Test
    void modeDeleteEvictsJustThePodThatWasSeen() throws Exception {
        Pod web = create(started(injected("web")));
        start(Mode.DELETE);

        eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
        Call eviction = server.calls().stream()
                .filter(call -> call.path().endsWith("/eviction"))
                .findFirst()
                .orElseThrow();
        assertThat(eviction.body())
                .contains("\"uid\":\"" + uid(web) + "\"")
                .contains("\"resourceVersion\":\"" + web.getMetadata().getResourceVersion() + "\"");
        eventually("it is counted", () -> counted("delete", "success", 1));
        assertThat(namespaces.applied()).isZero();
    }

    @Test
    void aPodWhoseBudgetForbidsItIsNotDeleted() throws Exception {
        server.fail(call -> call.path().endsWith("/eviction"), Integer.MAX_VALUE, 429);
        create(started(injected("web")));
        start(Mode.DELETE);

        eventually("it is counted", () -> counted("delete", "skip", 1));
        assertThat(server.pod(NAMESPACE, "web")).isPresent();
        assertThat(server.calls(call -> call.method().equals("DELETE"))).isZero();
    }

    @Test
    void aPodThatHasChangedIsLookedAtAgainBeforeItIsDeleted() throws Exception {
        server.fail(call -> call.path().endsWith("/eviction"), 1, 409);
        create(started(injected("web")));
        start(Mode.DELETE);

        eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
        assertThat(namespaces.looks()).isGreaterThan(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 500})
    void aDeletionThatIsRefusedIsCountedAndTriedAgain(int status) throws Exception {
        server.fail(call -> call.path().endsWith("/eviction"), 2, status);
        create(started(injected("web")));
        start(Mode.DELETE);

        eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
    }

    @Test
    void nothingIsDeletedWhileTheNodeCannotRedirect() throws Exception {
        cannotRedirect = Optional.of("the configuration cannot be written");
        Pod web = create(started(injected("web")));
        try (CapturedLog log = CapturedLog.of(RepairAction.class)) {
            start(Mode.DELETE, FAST_ROUNDS, false);

            eventually(
                    "it is said",
                    () -> log.lines().toString().contains("repair suspended, because this node cannot redirect"));
            assertThat(log.lines().toString()).contains("the configuration cannot be written");
            eventually("several rounds are over", () -> namespaces.looks() > 8);
            assertThat(server.pod(NAMESPACE, "web")).contains(web);
            cannotRedirect = Optional.empty();

            eventually("the pod is gone", () -> server.pod(NAMESPACE, "web").isEmpty());
        }
    }

    @Test
    void thePodsOfOneControllerAreReplacedOneAfterTheOther() throws Exception {
        for (String name : List.of("one", "two", "three")) {
            create(owned(started(injected(name)), "replica-set"));
        }
        create(owned(started(injected("of-another")), "other-replica-set"));
        create(started(injected("of-none")));
        start(Mode.DELETE);

        eventually("three are gone", () -> server.calls(call -> call.path().endsWith("/eviction")) == 3);
        assertThat(List.of("one", "two", "three"))
                .filteredOn(name -> server.pod(NAMESPACE, name).isPresent())
                .hasSize(2);
    }

    @Test
    void deletionsEndWhereNoRuntimeCallsThePluginAndGoOnWhenOneDoes() throws Exception {
        for (String name : List.of("one", "two", "three", "four", "five")) {
            create(started(injected(name)));
        }
        try (CapturedLog log = CapturedLog.of(RepairAction.class)) {
            start(Mode.DELETE, FAST_ROUNDS, false);

            eventually(
                    "it is said", () -> log.lines().toString().contains("no container runtime has called the plugin"));
            assertThat(evictions()).isEqualTo(3);
            eventually("it is shown", () -> scrape().contains("meshcni_repair_suspended 1.0"));
            int looks = namespaces.looks();
            eventually("several rounds are over", () -> namespaces.looks() > looks + 20);
            assertThat(evictions()).isEqualTo(3);
            assertThat(scrape()).contains("meshcni_unredirected_pods 2.0");
            assertThat(log.lines())
                    .filteredOn(line -> line.contains("no container runtime"))
                    .hasSize(1);
        }
        redirections.incrementAndGet();

        eventually("the others go as well", () -> evictions() == 5);
        eventually("it is shown", () -> scrape().contains("meshcni_repair_suspended 0.0"));
        eventually("none is left", () -> scrape().contains("meshcni_unredirected_pods 0.0"));
    }

    private static Pod owned(Pod pod, String controller) {
        return pod.edit()
                .editMetadata()
                .addNewOwnerReference()
                .withKind("ReplicaSet")
                .withName(controller)
                .withUid(controller)
                .withController(true)
                .endOwnerReference()
                .endMetadata()
                .build();
    }

    private long evictions() {
        return server.calls(call -> call.path().endsWith("/eviction"));
    }
}
