// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.ambient.EnablementSelector;
import dev.meshcni.ambient.SelectorReader;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What ambient mode adds to the manifests. */
class AmbientManifestsTest {
    private static final String ON = "cni: {ambient: {enabled: true}}";

    private static final String ISTIOS_SELECTORS = """
            - podSelector:
                matchLabels:
                  istio.io/dataplane-mode: ambient
            - podSelector:
                matchExpressions:
                - key: istio.io/dataplane-mode
                  operator: NotIn
                  values: [none]
              namespaceSelector:
                matchLabels:
                  istio.io/dataplane-mode: ambient
            """;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "cni: {ambient: {enabled: false, dnsCapture: true, ipv6: true, enablementSelectors: [{}]}}",
                "{global: {istioNamespace: mesh}}",
                "{profile: ambient, ambient: {enabled: false}}",
                "{profile: platform-k3s, global: {profile: ambient}}",
                "{profile: compatibility-version-1.24, global: {profile: ambient}}"
            })
    void withoutItThereIsNothingOfIt(String values) {
        NodeManifests manifests = of(values);

        assertThat(manifests.yaml())
                .doesNotContain("AMBIENT", "SYSTEM_NAMESPACE", "ztunnel", "xtables", "namespaces", "pods/status");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                {enabled: true}                                    | {AMBIENT_ENABLED=true}
                {enabled: yes, dnsCapture: false}                  | {AMBIENT_DNS_CAPTURE=false, AMBIENT_ENABLED=true}
                {enabled: true, dnsCapture: true, ipv6: no}        | {AMBIENT_DNS_CAPTURE=true, AMBIENT_ENABLED=true, AMBIENT_IPV6=false}
                {enabled: true, dnsCapture: , ipv6: }              | {AMBIENT_ENABLED=true}
                {enabled: true, enablementSelectors: }             | {AMBIENT_ENABLED=true}
                {enabled: true, enablementSelectors: []}           | {AMBIENT_ENABLED=true, AMBIENT_ENABLEMENT_SELECTOR=[]}
                {enabled: true, shareHostNetworkNamespace: true, reconcileIptablesOnStartup: false, enableAmbientDetectionRetry: true, configDir: /a, redirectMode: iptables} | {AMBIENT_ENABLED=true}
                """)
    void theDaemonIsToldWhatIsSet(String ambient, String variables) {
        assertThat(ambientVariables(of("cni: {ambient: " + ambient + "}"))).hasToString(variables);
    }

    @Test
    void itHasNoVariableForWhatItAlreadyKnows() {
        assertThat(ambientVariables(of("{" + ON + ", global: {istioNamespace: istio-system}}")))
                .doesNotContainKey("SYSTEM_NAMESPACE");
        assertThat(ambientVariables(of("{" + ON + ", global: {istioNamespace: mesh}}")))
                .containsEntry("SYSTEM_NAMESPACE", "mesh");
    }

    @Test
    void theDaemonReadsTheSelectorsThatAreSet() {
        NodeManifests manifests =
                of("ambient:\n  enabled: true\n  enablementSelectors:\n" + ISTIOS_SELECTORS.indent(2));

        String given = ambientVariables(manifests).get("AMBIENT_ENABLEMENT_SELECTOR");

        assertThat(SelectorReader.read("AMBIENT_ENABLEMENT_SELECTOR", given)).isEqualTo(EnablementSelector.DEFAULT);
    }

    @Test
    void aVariableOfItsOwnTakesPrecedence() {
        assertThat(ambientVariables(of("cni: {ambient: {enabled: true, ipv6: true}, env: {AMBIENT_IPV6: \"false\"}}")))
                .containsEntry("AMBIENT_IPV6", "false");
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void theDaemonReachesZtunnelTheHostAndItsPodsWhetherItRepairsOrNot(String repair) {
        PodSpec pod = pod(of("cni: {ambient: {enabled: true}, repair: {enabled: " + repair + "}}"));
        Container container = pod.getContainers().getFirst();

        assertThat(pod.getVolumes())
                .filteredOn(volume -> volume.getName().equals("cni-ztunnel-sock-dir"))
                .singleElement()
                .extracting(Volume::getHostPath)
                .satisfies(path -> assertThat(path.getPath()).isEqualTo("/var/run/ztunnel"))
                .satisfies(path -> assertThat(path.getType()).isEqualTo("DirectoryOrCreate"));
        assertThat(mount(container, "/var/run/ztunnel").getReadOnly()).isNull();
        assertThat(pod.getVolumes())
                .filteredOn(volume -> volume.getName().equals("cni-xtables-lock"))
                .singleElement()
                .extracting(Volume::getHostPath)
                .satisfies(path -> assertThat(path.getPath()).isEqualTo("/run/xtables.lock"))
                .satisfies(path -> assertThat(path.getType()).isEqualTo("FileOrCreate"));
        assertThat(mount(container, "/run/xtables.lock").getReadOnly()).isNull();
        assertThat(mount(container, "/host/proc").getReadOnly()).isTrue();
        assertThat(mount(container, "/host/var/run/netns").getMountPropagation())
                .isEqualTo("HostToContainer");
        assertThat(container.getSecurityContext().getCapabilities().getAdd())
                .contains("DAC_OVERRIDE", "NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_PTRACE");
    }

    @Test
    void itTakesNoFurtherPrivilegeAndNotTheNetworkOfTheHost() {
        PodSpec usual = pod(of("{}"));
        PodSpec ambient = pod(of("cni: {ambient: {enabled: true, shareHostNetworkNamespace: true}}"));

        assertThat(ambient.getHostNetwork()).isNull();
        assertThat(ambient.getContainers().getFirst().getSecurityContext())
                .isEqualTo(usual.getContainers().getFirst().getSecurityContext());
    }

    @Test
    void theDaemonMayReadNamespacesAndAnnotatePods() {
        List<PolicyRule> rules = of("cni: {ambient: {enabled: true}, repair: {enabled: false}}").resources().stream()
                .filter(ClusterRole.class::isInstance)
                .flatMap(role -> ((ClusterRole) role).getRules().stream())
                .toList();

        assertThat(rules)
                .extracting(rule -> rule.getResources() + " " + rule.getVerbs())
                .containsExactly(
                        "[pods] [get, list, watch]", "[namespaces] [get, list, watch]", "[pods/status] [patch]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "profile: ambient",
                "global: {profile: ambient}",
                "{profile: ambient, _internal_defaults_do_not_set: {ambient: {enabled: false, configDir: \"\"}}}",
                "{profile: ambient, cni: {ambient: {enabled: null}}}",
                "{profile: default, cni: {ambient: {enabled: true}}}"
            })
    void aProfileTurnsItOnUnlessASettingTurnsItOff(String values) {
        assertThat(of(values).resources()).isEqualTo(of(ON).resources());
    }

    @Test
    void aProfileCanSelectThePlatformAsWell() {
        assertThat(of("profile: openshift-ambient").resources())
                .isEqualTo(of("{" + ON + ", platform: openshift}").resources());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                ambient           |
                openshift-ambient | platform: openshift
                """)
    void aProfileOfIstioctlHasTheCniAndIsAmbient(String profile, String more) {
        NodeManifests manifests =
                of("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {profile: " + profile + "}");

        assertThat(manifests.resources())
                .isEqualTo(of(ON
                                + Optional.ofNullable(more)
                                        .map(line -> "\n" + line)
                                        .orElse(""))
                        .resources());
    }

    static NodeManifests of(String values) {
        return NodeManifests.of(new ManifestInput(
                List.of(new ManifestInput.Document("v", values)),
                List.of(),
                Optional.empty(),
                Optional.of("istio-system")));
    }

    private static PodSpec pod(NodeManifests manifests) {
        return manifests.resources().stream()
                .filter(DaemonSet.class::isInstance)
                .map(resource -> ((DaemonSet) resource).getSpec().getTemplate().getSpec())
                .findFirst()
                .orElseThrow();
    }

    private static VolumeMount mount(Container container, String path) {
        return container.getVolumeMounts().stream()
                .filter(mount -> mount.getMountPath().equals(path))
                .findFirst()
                .orElseThrow();
    }

    private static Map<String, String> ambientVariables(NodeManifests manifests) {
        return pod(manifests).getContainers().getFirst().getEnv().stream()
                .filter(variable -> variable.getName().startsWith("AMBIENT_")
                        || variable.getName().equals("SYSTEM_NAMESPACE"))
                .collect(Collectors.toMap(EnvVar::getName, EnvVar::getValue, (first, _) -> first, TreeMap::new));
    }
}
