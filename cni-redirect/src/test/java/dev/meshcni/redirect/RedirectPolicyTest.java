// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.rules.CutField;
import dev.meshcni.rules.InvalidParameterException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RedirectPolicyTest {

    @Test
    void aPodOfWhichSomethingIsNotKnownIsNeitherRedirectedNorLeftAlone() {
        CutField cut = new CutField("annotation sidecar.istio.io/inject", 70_000, 65_536);
        Pod plain = new Pod(
                "shop",
                "cart",
                "",
                Map.of(),
                Map.of(),
                true,
                List.of(),
                List.of(Pods.container("app")),
                "",
                "",
                List.of(cut));

        assertThatThrownBy(() -> RedirectPolicy.decide(plain))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessage("annotation sidecar.istio.io/inject has a size of 70000, which exceeds the limit of 65536");
    }

    @Test
    void anInjectedPodIsRedirected() {
        assertThat(RedirectPolicy.decide(Pods.injected())).isInstanceOf(Decision.Redirect.class);
    }

    @Test
    void aNativeSidecarIsAProxyToo() {
        Pod pod = new Pod(
                "shop",
                "cart",
                "",
                Map.of(),
                Map.of(RedirectPolicy.STATUS, ""),
                false,
                List.of(Pods.proxy(Map.of(), List.of("proxy", "sidecar"))),
                List.of(Pods.container("app")));

        assertThat(RedirectPolicy.decide(pod)).isInstanceOf(Decision.Redirect.class);
    }

    /**
     * A pod that has every reason to be skipped; the reasons are taken away one by one in the order of the questions.
     */
    @Test
    void theFirstReasonInOrderIsTheOneThatIsGiven() {
        PodDraft draft = new PodDraft();
        List<SkipReason> given = new ArrayList<>();

        given.add(reason(draft));
        draft.containers.remove(Pods.container("istio-init"));
        given.add(reason(draft));
        draft.proxyEnv.clear();
        given.add(reason(draft));
        draft.proxyArgs = List.of("proxy", "sidecar");
        given.add(reason(draft));
        draft.labels.put(RedirectPolicy.INJECT, "true");
        given.add(reason(draft));
        draft.annotations.put(RedirectPolicy.STATUS, "{}");
        given.add(reason(draft));
        draft.hostNetwork = false;
        given.add(reason(draft));
        draft.annotations.remove(AnnotationParser.INTERCEPTION_MODE);

        assertThat(given)
                .containsExactly(
                        SkipReason.ISTIO_INIT,
                        SkipReason.ENVOY_DISABLED,
                        SkipReason.NOT_A_SIDECAR,
                        SkipReason.INJECTION_OFF,
                        SkipReason.NOT_INJECTED,
                        SkipReason.HOST_NETWORK,
                        SkipReason.MODE_NONE);
        assertThat(RedirectPolicy.decide(draft.pod())).isInstanceOf(Decision.Redirect.class);
    }

    @Test
    void withoutAProxyNothingElseIsAsked() {
        Pod pod = new Pod(
                "shop",
                "cart",
                "",
                Map.of(RedirectPolicy.INJECT, "false"),
                Map.of(),
                true,
                List.of(),
                List.of(Pods.container("app")));

        assertThat(RedirectPolicy.decide(pod))
                .isEqualTo(new Decision.Skip(SkipReason.NO_PROXY, "the pod has no container named istio-proxy"));
    }

    @Test
    void aSkippedPodMayHaveBadAnnotations() {
        Pod pod = Pods.injected(Map.of(AnnotationParser.EXCLUDE_INBOUND_PORTS, "http"), Map.of());

        assertThat(RedirectPolicy.decide(pod))
                .isInstanceOfSatisfying(
                        Decision.Skip.class, skip -> assertThat(skip.reason()).isEqualTo(SkipReason.NOT_INJECTED));
    }

    @Test
    void anInjectedPodWithABadAnnotationIsAnError() {
        Pod pod = Pods.injected(
                Map.of(RedirectPolicy.STATUS, "{}", AnnotationParser.INTERCEPTION_MODE, "none"), Map.of());

        assertThatThrownBy(() -> RedirectPolicy.decide(pod))
                .isInstanceOf(InvalidParameterException.class)
                .hasMessage("annotation sidecar.istio.io/interceptionMode is \"none\": it must be REDIRECT, TPROXY or"
                        + " NONE");
    }

    @Test
    void theLabelWinsOverTheAnnotation() {
        Map<String, String> annotations = Map.of(RedirectPolicy.STATUS, "{}", RedirectPolicy.INJECT, "false");
        Pod pod = new Pod(
                "shop",
                "cart",
                "",
                Map.of(RedirectPolicy.INJECT, "true"),
                annotations,
                false,
                List.of(),
                List.of(Pods.proxy(Map.of(), List.of())));

        assertThat(RedirectPolicy.decide(pod)).isInstanceOf(Decision.Redirect.class);
        assertThat(RedirectPolicy.decide(Pods.injected(annotations, Map.of())))
                .isEqualTo(new Decision.Skip(
                        SkipReason.INJECTION_OFF, "sidecar.istio.io/inject is false: set as an annotation"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "maybe", "no", "True"})
    void onlyAClearFalseTurnsInjectionOff(String value) {
        Pod pod = Pods.injected(Map.of(RedirectPolicy.STATUS, "{}", RedirectPolicy.INJECT, value), Map.of());

        assertThat(RedirectPolicy.decide(pod)).isInstanceOf(Decision.Redirect.class);
    }

    @Test
    void aGatewayIsNotASidecarAndTheDetailQuotesIt() {
        Pod pod = new Pod(
                "shop",
                "gateway",
                "",
                Map.of(),
                Map.of(RedirectPolicy.STATUS, "{}"),
                false,
                List.of(),
                List.of(Pods.proxy(Map.of(), List.of("proxy", "router\n"))));

        assertThat(RedirectPolicy.decide(pod))
                .isEqualTo(new Decision.Skip(
                        SkipReason.NOT_A_SIDECAR, "the proxy is not a sidecar: proxy type is \"router\\u000a\""));
    }

    private SkipReason reason(PodDraft draft) {
        return ((Decision.Skip) RedirectPolicy.decide(draft.pod())).reason();
    }

    private static final class PodDraft {
        private String namespace = "shop";
        private boolean hostNetwork = true;
        private List<String> proxyArgs = List.of("proxy", "router");
        private final Map<String, String> labels = new HashMap<>(Map.of(RedirectPolicy.INJECT, "false"));
        private final Map<String, String> annotations =
                new HashMap<>(Map.of(AnnotationParser.INTERCEPTION_MODE, "NONE"));
        private final Map<String, String> proxyEnv = new HashMap<>(Map.of(RedirectPolicy.DISABLE_ENVOY, "true"));
        private final List<Pod.Container> containers = new ArrayList<>(List.of(Pods.container("istio-init")));

        Pod pod() {
            return new Pod(
                    namespace,
                    "cart",
                    "",
                    labels,
                    annotations,
                    hostNetwork,
                    containers,
                    List.of(Pods.proxy(proxyEnv, proxyArgs)));
        }
    }
}
