// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.RedirectPolicy;
import dev.meshcni.testkit.CapturedLog;
import dev.meshcni.testkit.FakeApiServer.Call;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.ztunnel.testkit.FakeZtunnel;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@NeedsRoot("makes network namespaces")
@Timeout(120)
class AmbientNodeTest {
    private static final Map<String, String> AMBIENT = Map.of(AmbientMetadata.MODE, "ambient");
    private static final String ADDRESS = "10.77.0.5";

    @TempDir
    private Path directory;

    @Test
    void aPodOfAnAmbientNamespaceJoinsInItsAddWithoutAQuestionToTheApiServer() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            eventually("ztunnel is there", () -> ztunnel.snapshots() == 1);
            Pod pod = mesh.create("web", ADDRESS, Map.of());
            assertThat(mesh.add(pod)).isTrue();

            assertThat(mesh.isRedirected(pod)).isTrue();
            assertThat(mesh.isExempt(pod)).isTrue();
            assertThat(ztunnel.info(pod.getMetadata().getUid())).isEqualTo("shop/web/web");
            assertThat(mesh.server.calls()).noneMatch(call -> call.isGetOfPod() || isGetOfNamespace(call));
            mesh.awaitMember("the status is shown", pod, ztunnel);

            assertThat(mesh.delete(pod)).isTrue();
            eventually("ztunnel has let go of it", () -> ztunnel.proxies().isEmpty());
            eventually("probes are not exempt any more", () -> !mesh.isExempt(pod));
        }
    }

    @Test
    void withoutAZtunnelAnAddFailsWithTheCauseAndLeavesNothing() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            Pod pod = mesh.create("web", ADDRESS, Map.of());

            assertThatThrownBy(() -> mesh.add(pod))
                    .isInstanceOfSatisfying(
                            CniException.class,
                            failure -> assertThat(failure.code()).isEqualTo(ErrorCode.TRY_AGAIN_LATER))
                    .hasMessageContaining("no ztunnel has connected to ");
            assertThat(mesh.isRedirected(pod)).isFalse();
            assertThat(mesh.isExempt(pod)).isFalse();
            assertThat(mesh.node().findings()).singleElement().asString().contains("no ztunnel has connected to ");

            FakeZtunnel ztunnel = mesh.ztunnel();
            eventually("the next attempt succeeds", () -> mesh.node().numbers().ztunnels() == 1 && mesh.add(pod));
            mesh.awaitMember("the pod is in the mesh", pod, ztunnel);
        }
    }

    @Test
    void aRunningPodJoinsAndLeavesAsTheLabelsOfItsNamespaceSay() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, Map.of())) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = mesh.create("web", ADDRESS, Map.of());
            Pod other = mesh.create("other", "10.77.0.6", Map.of(AmbientMetadata.MODE, "none"));
            assertThat(mesh.add(pod)).isFalse();
            mesh.run(pod);
            mesh.run(other);

            mesh.label(AMBIENT);
            mesh.awaitMember("the pod is in the mesh", pod, ztunnel);
            assertThat(mesh.isOutside(other, ztunnel)).isTrue();

            mesh.label(Map.of());
            eventually("the pod has left it", () -> mesh.isOutside(pod, ztunnel));
        }
    }

    @Test
    void theNextAgentTakesOverWhatRunsAndChangesNothing() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);
            String rules = mesh.netns(pod).rules();
            String host = mesh.host.rules();

            mesh.stop();
            mesh.start();
            eventually("ztunnel has connected again", () -> ztunnel.snapshots() == 2);

            assertThat(mesh.lacks(pod, ztunnel)).isEmpty();
            assertThat(mesh.netns(pod).rules()).isEqualTo(rules);
            assertThat(mesh.host.rules()).isEqualTo(host);
            assertThat(ztunnel.brokenRules()).isEmpty();
            eventually("no pod is pending", () -> mesh.node().numbers().pending() == 0);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            nft flush ruleset | missing in ipv4 nftables: table ip istio-proxy
            nft flush chain ip istio-proxy nat-istio-output | missing in ipv4 n
            nft add rule ip istio-proxy nat-istio-output accept | unexpected in ipv4 n
            ip rule delete pref 32764 | missing in
            ip route flush table 100 | missing in
            ip link set lo down | missing in interfaces: lo, up
            """)
    void whatSomebodyChangesInAPodIsNamedAndSetRight(String command, String difference) throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT);
                CapturedLog log = CapturedLog.of(EnrolmentController.class)) {
            mesh.start();
            AtomicInteger restored = new AtomicInteger();
            mesh.node().countRestorations(restored::incrementAndGet);
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);
            mesh.awaitRounds(2);
            assertThat(restored).as("restored before").hasValue(0);
            String rules = mesh.netns(pod).rules();
            String routing = routing(mesh, pod);

            mesh.netns(pod).exec(command.split(" "));

            eventually(
                    "it is named",
                    () -> log.lines().stream()
                            .anyMatch(line -> line.startsWith("WARN pod shop/web of the mesh was changed by others")
                                    && line.contains(difference)));
            eventually(
                    "it is set right",
                    () -> mesh.netns(pod).rules().equals(rules)
                            && routing(mesh, pod).equals(routing));
            assertThat(restored.get()).isPositive();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            nft flush ruleset | ip istio-host-probes
            nft flush set ip istio-host-probes pods | 10.77.0.5
            nft flush chain ip istio-host-probes postrouting | the rule of IPv4 is missing
            """)
    void whatSomebodyChangesOnTheHostIsNamedAndSetRight(String command, String difference) throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT);
                CapturedLog log = CapturedLog.of(EnrolmentController.class)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);
            String rules = mesh.host.rules();

            mesh.host.exec(command.split(" "));

            eventually("it is set right", () -> sorted(mesh.host.rules()).equals(sorted(rules)));
            eventually(
                    "it is named",
                    () -> log.lines().stream()
                            .anyMatch(line -> line.contains("the kubelet's probes")
                                    && (line.contains(difference) || line.contains("pod shop/web"))));
            assertThat(mesh.lacks(pod, ztunnel)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pending", "disabled", ""})
    void theAnnotationOfAMemberIsSetRight(String value) throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);

            annotate(mesh, pod, AmbientMetadata.REDIRECTION, Optional.of(value).filter(text -> !text.isEmpty()));

            mesh.awaitMember("the status is back", pod, ztunnel);
        }
    }

    @Test
    void theAnnotationOfAPodOutsideOfTheMeshIsTakenOff() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, Map.of())) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = mesh.create("web", ADDRESS, Map.of());
            mesh.run(pod);

            annotate(mesh, pod, AmbientMetadata.REDIRECTION, Optional.of("enabled"));

            eventually("it does not show that it is in the mesh", () -> mesh.isOutside(pod, ztunnel));
        }
    }

    /** It counts as enrolled by nothing but what is so: the annotation is not believed. */
    @Test
    void aPodWhoseZtunnelDoesNotListenIsShownAsPending() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);

            mesh.netns(pod).stopListening();
            eventually("it is shown", () -> mesh.status(pod).equals("pending"));
            assertThat(mesh.node().findings()).asString().contains("its ports are not open");
        }
    }

    @Test
    void addNeedsNoApiServerOncePodAndNamespaceAreKnown() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod first = member(mesh, ztunnel);
            Pod pod = mesh.create("second", "10.77.0.6", Map.of());
            assertThat(mesh.add(pod)).isTrue();
            eventually("its status is shown", () -> mesh.status(pod).equals("enabled"));
            assertThat(mesh.delete(pod)).isTrue();
            eventually("nobody sees it in the mesh", () -> mesh.status(pod).isEmpty());

            mesh.server.disconnect();
            assertThat(mesh.add(pod)).isTrue();
            assertThat(mesh.isRedirected(pod)).isTrue();
            assertThat(mesh.status(pod)).isEmpty();
            mesh.server.reconnect();
            mesh.awaitMember("the status follows", pod, ztunnel);
            assertThat(mesh.isMember(first, ztunnel)).isTrue();
        }
    }

    @Test
    void uninstallationTakesRulesOutOfRunningPods() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);

            assertThat(mesh.node().uninstall(Duration.ofSeconds(10))).isEmpty();

            eventually("nothing is left", () -> mesh.isOutside(pod, ztunnel));
            assertThat(mesh.host.rules()).isEmpty();
            assertThatThrownBy(() -> mesh.add(pod)).hasMessageContaining("is being uninstalled");
        }
    }

    @Test
    void uninstallationNeedsNoZtunnel() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);
            ztunnel.close();
            eventually("ztunnel has gone", () -> mesh.node().numbers().ztunnels() == 0);

            assertThat(mesh.node().uninstall(Duration.ofSeconds(10))).isEmpty();

            assertThat(mesh.isOutside(pod, ztunnel)).isTrue();
            assertThat(mesh.host.rules()).isEmpty();
        }
    }

    /** A namespace moves from sidecars to the mesh pod by pod, as its pods are made again. */
    @Test
    void aPodWithASidecarStaysOutsideBesideOneWithoutInTheSameNamespace() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, Map.of())) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod injected = mesh.create("injected", "10.77.0.6", Map.of());
            annotate(mesh, injected, RedirectPolicy.STATUS, Optional.of("{}"));
            Pod plain = mesh.create("plain", ADDRESS, Map.of());
            eventually(
                    "the annotation is known",
                    () -> mesh.pod(injected).annotations().containsKey(RedirectPolicy.STATUS));
            mesh.run(injected);

            mesh.label(AMBIENT);
            eventually("the label is known", () -> mesh.add(plain));
            mesh.awaitMember("one is in the mesh", plain, ztunnel);
            mesh.awaitRounds(2);

            assertThat(mesh.add(injected)).isFalse();
            assertThat(mesh.isOutside(injected, ztunnel)).isTrue();
            assertThat(mesh.node().findings()).isEmpty();
        }
    }

    /** What a pod asks for is its author's; its DEL and its neighbours are not. */
    @Test
    void anAnnotationThatIsNotAllowedSpoilsNothingElse() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);
            annotate(mesh, pod, "istio.io/reroute-virtual-interfaces", Optional.of("no/good name"));
            eventually("it is said", () -> mesh.node().findings().toString().contains("no/good name"));
            Pod other = mesh.create("other", "10.77.0.6", Map.of());
            assertThat(mesh.add(other)).isTrue();

            assertThat(mesh.delete(pod)).isTrue();
            eventually("ztunnel has let go of it", () -> ztunnel.proxies().size() == 1);
            assertThat(mesh.node().uninstall(Duration.ofSeconds(10))).isEmpty();
            assertThat(mesh.isRedirected(other)).isFalse();
        }
    }

    /** One inspection of the node's processes serves all of them. */
    @Test
    void podsThatJoinWhileTheyRunAreFoundByOneInspection() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, Map.of())) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            List<Pod> pods = new ArrayList<>();
            for (int i = 1; i <= 12; i++) {
                Pod pod = mesh.create("web-" + i, "10.77.0." + i, Map.of());
                mesh.run(pod);
                pods.add(pod);
            }
            eventually(
                    "all are known",
                    () -> pods.stream().allMatch(pod -> mesh.pod(pod).labels().isEmpty() && mesh.runs(pod)));
            mesh.awaitRounds(1);
            int before = mesh.inspections();

            mesh.label(AMBIENT);
            eventually("all have joined", () -> pods.stream().allMatch(pod -> mesh.isMember(pod, ztunnel)));
            assertThat(mesh.inspections()).isEqualTo(before + 1);

            Pod late = mesh.create("late", "10.77.0.20", Map.of());
            mesh.run(late);
            mesh.awaitMember("one that starts afterwards has joined", late, ztunnel);
        }
    }

    /** The agent ended when the rules were in and the status was not written yet. */
    @Test
    void rulesOfWhichNothingTellsAreFoundAndTakenOutOfAPodThatIsNotWanted() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);

            mesh.stop();
            annotate(mesh, pod, AmbientMetadata.REDIRECTION, Optional.empty());
            mesh.label(Map.of());
            mesh.netns(pod).exec("ip", "rule", "delete", "pref", "32764");
            mesh.start();

            eventually("it has left", () -> mesh.isOutside(pod, ztunnel));
            assertThat(ztunnel.log().indexOf("del " + pod.getMetadata().getUid()))
                    .as("it was in the snapshot, so that it was not cut off")
                    .isNotNegative();
        }
    }

    @Test
    void aPodWhoseLabelGoesWhileTheAgentIsAwayLeaves() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);

            mesh.stop();
            mesh.label(Map.of());
            mesh.start();

            eventually("it has left", () -> mesh.isOutside(pod, ztunnel));
            assertThat(ztunnel.log().indexOf("del " + pod.getMetadata().getUid()))
                    .as("it was in the snapshot, so that it was not cut off")
                    .isNotNegative();
        }
    }

    /** Where the agent ended between the two. */
    @Test
    void rulesWhoseStatusSaysPendingAreTakenOutOfAPodThatIsNotWanted() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);

            mesh.stop();
            annotate(mesh, pod, AmbientMetadata.REDIRECTION, Optional.of("pending"));
            mesh.label(Map.of());
            mesh.start();

            eventually("it has left", () -> mesh.isOutside(pod, ztunnel));
        }
    }

    @Test
    void theNextSandboxOfAPodIsExemptByItsOwnAddress() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);
            assertThat(mesh.delete(pod)).isTrue();

            mesh.renew(pod, "10.77.0.9");
            assertThat(mesh.add(pod)).isTrue();
            mesh.awaitRounds(3);

            assertThat(mesh.lacks(pod, ztunnel)).isEmpty();
            assertThat(mesh.host.rules()).doesNotContain(ADDRESS);
        }
    }

    @Test
    void anUninstallationSaysThatOthersStillBelieveInTheMesh() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);
            mesh.server.fail(call -> call.method().equals("PATCH"), 1000, 403);

            assertThat(mesh.node().uninstall(Duration.ofSeconds(1)))
                    .hasValueSatisfying(left -> assertThat(left)
                            .contains("1 pods still show that they are in the mesh")
                            .contains("remove their annotation ambient.istio.io/redirection"));
            assertThat(mesh.isRedirected(pod)).isFalse();
        }
    }

    @Test
    void aPodThatIsDeletedWithoutADelIsLetGo() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            Pod pod = member(mesh, ztunnel);

            mesh.server.delete(MeshFixture.NAMESPACE, "web");

            eventually("ztunnel has let go of it", () -> ztunnel.proxies().isEmpty());
            eventually("nothing is known of it", () -> mesh.node().numbers().pods() == 0);
            assertThat(mesh.isExempt(pod)).isFalse();
        }
    }

    /** The watch has shown its end before there was anything to let go of. */
    @Test
    void aPodThatIsDeletedWhileItsAddGoesOnIsLetGo() throws Exception {
        try (MeshFixture mesh = new MeshFixture(directory, AMBIENT)) {
            mesh.start();
            FakeZtunnel ztunnel = mesh.ztunnel();
            eventually("ztunnel is there", () -> ztunnel.snapshots() == 1);
            Pod pod = mesh.create("web", ADDRESS, Map.of());
            dev.meshcni.redirect.Pod known = mesh.pod(pod);
            mesh.server.delete(MeshFixture.NAMESPACE, "web");
            mesh.awaitRounds(1);

            assertThat(mesh.add(pod, known)).isTrue();
            assertThat(mesh.node().numbers().pods()).isEqualTo(1);

            eventually("nothing is known of it", () -> mesh.node().numbers().pods() == 0);
            eventually("ztunnel has let go of it", () -> ztunnel.proxies().isEmpty());
            assertThat(mesh.isExempt(pod)).isFalse();
        }
    }

    /** A table that is made anew is printed behind the others. */
    private static List<String> sorted(String rules) {
        return rules.lines().sorted().toList();
    }

    private static String routing(MeshFixture mesh, Pod pod) {
        return mesh.netns(pod).exec("ip", "rule")
                + mesh.netns(pod).exec("ip", "route", "show", "table", "all")
                + mesh.netns(pod).exec("ip", "-brief", "link", "show", "lo");
    }

    private static Pod member(MeshFixture mesh, FakeZtunnel ztunnel) throws Exception {
        Pod pod = mesh.create("web", ADDRESS, Map.of());
        eventually("ztunnel is there", () -> ztunnel.snapshots() == 1);
        assertThat(mesh.add(pod)).isTrue();
        mesh.awaitMember("the pod is in the mesh", pod, ztunnel);
        mesh.run(pod);
        return pod;
    }

    private static void annotate(MeshFixture mesh, Pod pod, String name, Optional<String> value) {
        mesh.server.update(MeshFixture.NAMESPACE, pod.getMetadata().getName(), found -> {
            Map<String, String> annotations =
                    new HashMap<>(Objects.requireNonNullElse(found.getMetadata().getAnnotations(), Map.of()));
            annotations.remove(name);
            value.ifPresent(text -> annotations.put(name, text));
            return found.edit()
                    .editMetadata()
                    .withAnnotations(annotations)
                    .endMetadata()
                    .build();
        });
    }

    private static boolean isGetOfNamespace(Call call) {
        return call.method().equals("GET") && call.path().matches("/api/v1/namespaces/[^/?]+");
    }
}
