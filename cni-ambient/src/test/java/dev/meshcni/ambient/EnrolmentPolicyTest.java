// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.ambient.EnrolmentPolicy.Exclusion;
import dev.meshcni.ambient.LabelSelector.Operator;
import dev.meshcni.ambient.LabelSelector.Requirement;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.Pod;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class EnrolmentPolicyTest {
    private static final String MODE = AmbientMetadata.MODE;
    private static final EnrolmentPolicy POLICY =
            new EnrolmentPolicy(Set.of("kube-system"), EnablementSelector.DEFAULT, "istio-system");

    /** The label of the pod, that of the namespace, and whether the pod is in the mesh. */
    @Example
    void thePodsLabelBeatsThatOfItsNamespace() {
        Map<String, String> ambient = Map.of(MODE, "ambient");
        Map<String, String> none = Map.of(MODE, "none");

        assertThat(decide(Map.of(), Map.of())).contains(Exclusion.NOT_SELECTED);
        assertThat(decide(ambient, Map.of())).isEmpty();
        assertThat(decide(ambient, none)).isEmpty();
        assertThat(decide(Map.of(), ambient)).isEmpty();
        assertThat(decide(Map.of(MODE, "other"), ambient)).isEmpty();
        assertThat(decide(none, ambient)).contains(Exclusion.NOT_SELECTED);
        assertThat(decide(Map.of(), Map.of(MODE, "other"))).contains(Exclusion.NOT_SELECTED);
    }

    @Example
    void noLabelBeatsTheOtherConditions() {
        Map<String, String> ambient = Map.of(MODE, "ambient");

        assertThat(POLICY.exclusion(pod("kube-system", ambient, Map.of(), false), ambient, false))
                .contains(Exclusion.EXCLUDED_NAMESPACE);
        assertThat(POLICY.exclusion(pod("shop", ambient, Map.of(), true), ambient, false))
                .contains(Exclusion.HOST_NETWORK);
        assertThat(POLICY.exclusion(pod("shop", ambient, Map.of("sidecar.istio.io/status", ""), false), ambient, false))
                .contains(Exclusion.SIDECAR);
        assertThat(POLICY.exclusion(pod("shop", ambient, Map.of(), false), ambient, true))
                .contains(Exclusion.ENDED);
    }

    @Example
    void ztunnelIsNotItsOwnClient() {
        Map<String, String> ztunnel = Map.of(MODE, "ambient", "app", "ztunnel");

        assertThat(POLICY.exclusion(pod("istio-system", ztunnel, Map.of(), false), Map.of(), false))
                .contains(Exclusion.ZTUNNEL_ITSELF);
        assertThat(POLICY.exclusion(pod("shop", ztunnel, Map.of(), false), Map.of(), false))
                .isEmpty();
    }

    @Example
    void withoutSelectorsNobodyIsInTheMesh() {
        EnrolmentPolicy nobody = new EnrolmentPolicy(Set.of(), List.of(), "istio-system");

        assertThat(nobody.exclusion(pod("shop", Map.of(MODE, "ambient"), Map.of(), false), Map.of(), false))
                .contains(Exclusion.NOT_SELECTED);
    }

    @Property(tries = 1_000)
    void whatIsRequiredAndItsContraryNeverBothHold(
            @ForAll @From("labels") Map<String, String> labels, @ForAll @From("labels") Map<String, String> others) {
        others.forEach((key, value) -> {
            assertThat(matches(labels, key, Operator.IN, Set.of(value)))
                    .isNotEqualTo(matches(labels, key, Operator.NOT_IN, Set.of(value)));
            assertThat(matches(labels, key, Operator.EXISTS, Set.of()))
                    .isNotEqualTo(matches(labels, key, Operator.DOES_NOT_EXIST, Set.of()));
            assertThat(matches(labels, key, Operator.IN, Set.of(value)))
                    .isEqualTo(new LabelSelector(Map.of(key, value), List.of()).matches(labels));
        });
        assertThat(LabelSelector.EVERYTHING.matches(labels)).isTrue();
        assertThat(new LabelSelector(others, List.of()).matches(labels))
                .isEqualTo(labels.entrySet().containsAll(others.entrySet()));
    }

    @Provide
    Arbitrary<Map<String, String>> labels() {
        return Arbitraries.maps(Arbitraries.of("a", "b", "c"), Arbitraries.of("x", "y"))
                .ofMaxSize(3);
    }

    private static boolean matches(Map<String, String> labels, String key, Operator operator, Set<String> values) {
        return new LabelSelector(Map.of(), List.of(new Requirement(key, operator, values))).matches(labels);
    }

    private static Optional<Exclusion> decide(Map<String, String> podLabels, Map<String, String> namespaceLabels) {
        return POLICY.exclusion(pod("shop", podLabels, Map.of(), false), namespaceLabels, false);
    }

    private static Pod pod(
            String namespace, Map<String, String> labels, Map<String, String> annotations, boolean hostNetwork) {
        return new Pod(namespace, "p", "u", labels, annotations, hostNetwork, List.of(), List.of());
    }
}
