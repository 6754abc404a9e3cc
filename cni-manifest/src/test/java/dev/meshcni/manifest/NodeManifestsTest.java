// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static dev.meshcni.manifest.ManifestInput.Setting.Kind.VALUE;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.config.EnvironmentDefaults;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import dev.meshcni.daemon.InstallCni;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceQuota;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Model.OptionSpec;

class NodeManifestsTest {
    private static final Map<String, Class<?>> TYPES = Map.of(
            "ServiceAccount", ServiceAccount.class,
            "ClusterRole", ClusterRole.class,
            "ClusterRoleBinding", ClusterRoleBinding.class,
            "Role", Role.class,
            "RoleBinding", RoleBinding.class,
            "ResourceQuota", ResourceQuota.class,
            "DaemonSet", DaemonSet.class);

    @ParameterizedTest
    @ValueSource(strings = {"default", "gke", "openshift", "cni-alone", "revisioned"})
    void whatIsPrintedHoldsNothingThatKubernetesDoesNotKnow(String example) throws JsonProcessingException {
        ObjectMapper strict = StrictModel.mapper();
        List<HasMetadata> resources = operator(example).resources();

        List<Yaml.Mapping> printed =
                YamlFile.documents(example, operator(example).yaml());

        assertThat(printed).hasSameSizeAs(resources);
        for (Yaml.Mapping document : printed) {
            String kind = (String) document.entries().get("kind").value().plain();
            if (!kind.equals("NetworkAttachmentDefinition")) {
                Object read = strict.convertValue(document.plain(), TYPES.get(kind));
                assertThat(resources).contains((HasMetadata) read);
            }
        }
    }

    @Test
    void theDefaultIsTheDaemonWithWhatItNeeds() {
        assertThat(kinds(operator("default")))
                .containsExactly(
                        "ServiceAccount istio-cni",
                        "ClusterRole istio-cni",
                        "ClusterRoleBinding istio-cni",
                        "ClusterRole istio-cni-repair-role",
                        "ClusterRoleBinding istio-cni-repair-rolebinding",
                        "Role istio-cni",
                        "RoleBinding istio-cni",
                        "DaemonSet istio-cni-node");
        assertThat(daemonSet(operator("default")).getMetadata().getNamespace()).isEqualTo("istio-system");
    }

    @Test
    void theDaemonRunsOnEveryNodeAndIsNotPrivileged() {
        DaemonSet daemonSet = daemonSet(operator("default"));
        var pod = daemonSet.getSpec().getTemplate().getSpec();
        Container container = pod.getContainers().getFirst();

        assertThat(pod.getPriorityClassName()).isEqualTo("system-node-critical");
        assertThat(pod.getTolerations()).singleElement().satisfies(toleration -> {
            assertThat(toleration.getOperator()).isEqualTo("Exists");
            assertThat(toleration.getKey()).isNull();
            assertThat(toleration.getEffect()).isNull();
        });
        assertThat(container.getSecurityContext().getPrivileged()).isFalse();
        assertThat(container.getSecurityContext().getCapabilities().getDrop()).containsExactly("ALL");
        assertThat(container.getResources().getRequests().get("memory")).isEqualTo(new Quantity("96Mi"));
        assertThat(container.getReadinessProbe().getHttpGet().getPath()).isEqualTo("/readyz");
        assertThat(container.getLivenessProbe().getHttpGet().getPath()).isEqualTo("/healthz");
        assertThat(container.getStartupProbe().getHttpGet().getPath()).isEqualTo("/healthz");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                {}                           | 1 | 0
                {rollingMaxUnavailable: 0}   | 1 | 0
                {rollingMaxUnavailable: 0%}  | 1 | 0
                {rollingMaxUnavailable: 1}   | 0 | 1
                {rollingMaxUnavailable: 10%} | 0 | 10%
                """)
    void aNodeHasItsNewDaemonBeforeTheOldOneGoesUnlessSomeMayBeWithout(String cni, String surge, String unavailable) {
        var update =
                daemonSet(of("v", "cni: " + cni)).getSpec().getUpdateStrategy().getRollingUpdate();

        assertThat(String.valueOf(update.getMaxSurge().getValue())).isEqualTo(surge);
        assertThat(String.valueOf(update.getMaxUnavailable().getValue())).isEqualTo(unavailable);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                {}                                                      | {kubernetes.io/arch=amd64, kubernetes.io/os=linux}
                {architecture: arm64}                                   | {kubernetes.io/arch=arm64, kubernetes.io/os=linux}
                {architecture: any}                                     | {kubernetes.io/os=linux}
                {nodeSelector: {pool: mesh}}                            | {kubernetes.io/arch=amd64, kubernetes.io/os=linux, pool=mesh}
                {nodeSelector: {kubernetes.io/arch: riscv64}}           | {kubernetes.io/arch=riscv64, kubernetes.io/os=linux}
                """)
    void theDaemonRunsOnNodesOfItsImagesArchitecture(String cni, String labels) {
        PodSpec pod = daemonSet(of("v", "cni: " + cni)).getSpec().getTemplate().getSpec();

        assertThat(new TreeMap<>(pod.getNodeSelector())).hasToString(labels);
    }

    @Test
    void nodesThatAreSelectedAreReadOnlyWhereASettingSelectsThem() {
        assertThat(of("v", "cni: {}").yaml()).doesNotContain("\"nodes\"");
        assertThat(of("v", "cni: {nodeSelector: {pool: mesh}}").yaml()).contains("\"nodes\"");
    }

    @Test
    void valuesAndComponentAddToThePodTogether() {
        DaemonSet daemonSet = daemonSet(of("operator", """
            apiVersion: install.istio.io/v1alpha1
            kind: IstioOperator
            spec:
              components:
                cni:
                  enabled: true
                  k8s:
                    nodeSelector: {pool: component}
                    priorityClassName: component
                    volumes: [{name: second, emptyDir: {}}]
                    volumeMounts: [{name: second, mountPath: /second}]
              values:
                cni:
                  nodeSelector: {pool: values, zone: a}
                  priorityClassName: values
                  extraVolumes: [{name: first, emptyDir: {}}]
                  extraVolumeMounts: [{name: first, mountPath: /first}]
            """));
        PodSpec pod = daemonSet.getSpec().getTemplate().getSpec();

        assertThat(pod.getNodeSelector()).containsEntry("pool", "component").containsEntry("zone", "a");
        assertThat(pod.getPriorityClassName()).isEqualTo("component");
        assertThat(pod.getVolumes()).extracting(Volume::getName).endsWith("first", "second");
        assertThat(pod.getContainers().getFirst().getVolumeMounts())
                .extracting(VolumeMount::getMountPath)
                .endsWith("/first", "/second");
    }

    @Test
    void aNodeSelectorAtTheTopLevelIsIstiods() {
        assertThat(of("values.yaml", "{cniBinDir: /opt/cni/bin, nodeSelector: {pool: istiod}}")
                        .yaml())
                .doesNotContain("istiod");
    }

    @Test
    void twoDaemonsOnANodeShareNoPort() {
        DaemonSet daemonSet = daemonSet(operator("default"));

        assertThat(daemonSet.getSpec().getTemplate().getSpec().getHostNetwork()).isNull();
        assertThat(container(operator("default")).getPorts())
                .hasSize(2)
                .allSatisfy(port -> assertThat(port.getHostPort()).isNull());
    }

    @Test
    void noVariableNeedsTheApiServerWhenTheContainerStarts() {
        Container container = container(operator("default"));

        assertThat(container.getEnvFrom()).isEmpty();
        assertThat(container.getEnv())
                .allSatisfy(variable -> assertThat(variable.getValueFrom() == null
                                || variable.getValueFrom().getFieldRef() != null)
                        .isTrue());
    }

    @Test
    void namespacesThatComeLaterReachTheDaemon() {
        Container container = container(operator("default"));

        assertThat(container.getVolumeMounts())
                .filteredOn(mount -> "HostToContainer".equals(mount.getMountPropagation()))
                .singleElement()
                .satisfies(mount -> assertThat(mount.getMountPath()).isEqualTo("/host/var/run/netns"));
    }

    @Test
    void everyVariableIsAnOptionOfTheDaemon() {
        List<String> variables = InstallCni.commandLine().getCommandSpec().options().stream()
                .map(OptionSpec::names)
                .flatMap(Arrays::stream)
                .map(EnvironmentDefaults::variable)
                .toList();

        NodeManifests ambient = AmbientManifestsTest.of("global: {istioNamespace: mesh}\ncni: {ambient: {enabled: true,"
                + " dnsCapture: false, ipv6: false, enablementSelectors: [{}]}}");
        Stream<String> set = Stream.of(operator("openshift"), ambient)
                .flatMap(manifests -> container(manifests).getEnv().stream())
                .map(EnvVar::getName);

        assertThat(set.filter(name -> !name.equals("POD_NAME"))).isSubsetOf(variables);
    }

    @Test
    void gkeHasItsDirectory() {
        assertThat(hostPaths(operator("gke"))).contains("/home/kubernetes/bin", "/etc/cni/net.d");
        assertThat(configuration(operator("gke"))).containsEntry("CNI_BIN_DIR_ON_HOST", "/home/kubernetes/bin");
    }

    @Test
    void onOpenShiftMultusFindsTheNetworkAndThePodMayRun() {
        NodeManifests manifests = operator("openshift");

        assertThat(kinds(manifests)).contains("NetworkAttachmentDefinition istio-cni");
        assertThat(rules(manifests, "istio-cni")).anySatisfy(rule -> {
            assertThat(rule.getResources()).containsExactly("securitycontextconstraints");
            assertThat(rule.getVerbs()).containsExactly("use");
            assertThat(rule.getResourceNames()).containsExactly("privileged");
        });
        assertThat(configuration(manifests))
                .containsEntry("CHAINED_CNI_PLUGIN", "false")
                .containsEntry("CNI_CONF_NAME", "istio-cni.conf");
        assertThat(container(manifests).getSecurityContext().getSeLinuxOptions().getType())
                .isEqualTo("spc_t");
        assertThat(manifests.yaml()).contains("default/istio-cni");
    }

    @Test
    void thePlatformOpenShiftGivesTheSameAsTheExample() {
        NodeManifests byPlatform = NodeManifests.of(
                new ManifestInput(List.of(), List.of(), Optional.of(Platform.OPENSHIFT), Optional.of("kube-system")));

        assertThat(byPlatform.resources()).isEqualTo(operator("openshift").resources());
    }

    @Test
    void theCniAloneLeavesTheNamespacesAlone() {
        assertThat(configuration(operator("cni-alone")))
                .containsEntry("EXCLUDE_NAMESPACES", "istio-system,kube-system");
    }

    @Test
    void aControlPlaneThatReliesOnTheCniBringsNone() {
        NodeManifests manifests = operator("revisioned");

        assertThat(manifests.resources()).isEmpty();
        assertThat(manifests.yaml().lines()).allMatch(line -> line.startsWith("#"));
        assertThat(manifests.yaml())
                .contains("REVISION_NAME")
                .contains("pilot: {cni: {enabled: true}}")
                .contains("revisioned.yaml:5:1");
    }

    @Test
    void plainValuesAreUnderstood() {
        NodeManifests manifests = of("values.yaml", """
                cni:
                  chained: false
                  repair: {deletePods: true}
                  hub: registry.example.com/mesh
                  tag: 1.2.3
                global:
                  logging: {level: "default:warn,cni:debug"}
                """);

        assertThat(container(manifests).getImage()).isEqualTo("registry.example.com/mesh/mesh-cni:1.2.3");
        assertThat(configuration(manifests))
                .containsEntry("CHAINED_CNI_PLUGIN", "false")
                .containsEntry("LOG_LEVEL", "debug")
                .containsEntry("REPAIR_REPAIR_PODS", "false")
                .containsEntry("REPAIR_DELETE_PODS", "true");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                {}                                      | events
                repair: {deletePods: true}              | events, pods/eviction
                repair: {labelPods: true}               | events, pods/status
                {repair: {deletePods: true}, env: {REPAIR_EVICT: "false"}} | events, pods
                """)
    void repairMayDoWhatItsModeNeeds(String cni, String resources) {
        NodeManifests manifests = of("values.yaml", "cni:\n  " + cni);

        assertThat(rules(manifests, "istio-cni-repair-role"))
                .flatExtracting(PolicyRule::getResources)
                .containsExactly(resources.split(", ", -1));
    }

    @Test
    void theTaintTakesTheRightToPatchNodes() {
        assertThat(rules(of("values.yaml", "cni: {nodeTaint: true}"), "istio-cni"))
                .flatExtracting(PolicyRule::getResources)
                .containsExactly("pods", "nodes");
    }

    @Test
    void whereNodesAreSelectedTheDaemonMaySeeItsOwn() {
        NodeManifests manifests = of("operator.yaml", """
                apiVersion: install.istio.io/v1alpha1
                kind: IstioOperator
                spec: {components: {cni: {enabled: true, k8s: {nodeSelector: {pool: mesh}}}}}
                """);

        assertThat(rules(manifests, "istio-cni"))
                .last()
                .satisfies(rule -> assertThat(rule.getResources()).containsExactly("nodes"))
                .satisfies(rule -> assertThat(rule.getVerbs()).containsExactly("get"));
    }

    @Test
    void withoutRepairThereAreNoRightsForIt() {
        assertThat(kinds(of("values.yaml", "cni: {repair: {enabled: false}}")))
                .noneMatch(kind -> kind.contains("repair"));
    }

    @Test
    void theDaemonMayReadPodsAndItsOwnDaemonSetOnly() {
        NodeManifests manifests = of("values.yaml", "cni: {repair: {enabled: false}}");

        assertThat(rules(manifests, "istio-cni"))
                .singleElement()
                .satisfies(rule -> assertThat(rule.getVerbs()).containsExactly("get", "list", "watch"));
        assertThat(manifests.resources())
                .filteredOn(Role.class::isInstance)
                .flatExtracting(role -> ((Role) role).getRules())
                .singleElement()
                .satisfies(rule -> assertThat(rule.getResourceNames()).containsExactly("istio-cni-node"));
    }

    @ParameterizedTest
    @EnumSource(Platform.class)
    void whatTheFilesSayWinsOverThePlatform(Platform platform) {
        NodeManifests manifests = NodeManifests.of(new ManifestInput(
                List.of(new ManifestInput.Document("v", "cni: {cniBinDir: /srv/bin, cniConfDir: /srv/conf}")),
                List.of(),
                Optional.of(platform),
                Optional.empty()));

        assertThat(hostPaths(manifests)).contains("/srv/bin", "/srv/conf");
    }

    @Test
    void onGkeOutsideOfKubeSystemThereIsAQuota() {
        NodeManifests manifests =
                NodeManifests.of(new ManifestInput(List.of(), List.of(), Optional.of(Platform.GKE), Optional.empty()));

        assertThat(kinds(manifests)).contains("ResourceQuota istio-cni-resource-quota");
    }

    @Test
    void aChangedSettingReplacesThePods() {
        assertThat(daemonSet(of("v", "cni: {logLevel: debug}")).getSpec().getTemplate())
                .isNotEqualTo(
                        daemonSet(of("v", "cni: {logLevel: info}")).getSpec().getTemplate());
    }

    @Test
    void laterFilesAndSettingsWin() {
        NodeManifests manifests = NodeManifests.of(new ManifestInput(
                List.of(
                        new ManifestInput.Document("a", "cni: {logLevel: debug, cniConfFileName: 10-a.conflist}"),
                        new ManifestInput.Document("b", "cni: {logLevel: warn}")),
                List.of(
                        ManifestInput.Setting.of(VALUE, "values.cni.chained=false"),
                        ManifestInput.Setting.of(VALUE, "values.cni.excludeNamespaces={a,b}")),
                Optional.empty(),
                Optional.empty()));

        assertThat(configuration(manifests))
                .containsEntry("PLUGIN_LOG_LEVEL", "warn")
                .containsEntry("CNI_CONF_NAME", "10-a.conflist")
                .containsEntry("CHAINED_CNI_PLUGIN", "false")
                .containsEntry("EXCLUDE_NAMESPACES", "a,b");
    }

    private static NodeManifests operator(String example) {
        String file = example + ".yaml";
        try (InputStream in = NodeManifestsTest.class.getResourceAsStream("/operators/" + file)) {
            return of(file, new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static NodeManifests of(String name, String text) {
        return NodeManifests.of(new ManifestInput(
                List.of(new ManifestInput.Document(name, text)), List.of(), Optional.empty(), Optional.empty()));
    }

    private static List<String> kinds(NodeManifests manifests) {
        return manifests.resources().stream()
                .map(resource ->
                        resource.getKind() + " " + resource.getMetadata().getName())
                .toList();
    }

    private static DaemonSet daemonSet(NodeManifests manifests) {
        return manifests.resources().stream()
                .filter(DaemonSet.class::isInstance)
                .map(DaemonSet.class::cast)
                .findFirst()
                .orElseThrow();
    }

    private static Container container(NodeManifests manifests) {
        return daemonSet(manifests)
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .getFirst();
    }

    private static List<String> hostPaths(NodeManifests manifests) {
        return daemonSet(manifests).getSpec().getTemplate().getSpec().getVolumes().stream()
                .map(Volume::getHostPath)
                .map(hostPath -> hostPath.getPath())
                .toList();
    }

    private static Map<String, String> configuration(NodeManifests manifests) {
        return container(manifests).getEnv().stream()
                .filter(variable -> variable.getValueFrom() == null)
                .collect(Collectors.toMap(EnvVar::getName, EnvVar::getValue));
    }

    private static List<PolicyRule> rules(NodeManifests manifests, String clusterRole) {
        return manifests.resources().stream()
                .filter(resource -> resource instanceof ClusterRole
                        && resource.getMetadata().getName().equals(clusterRole))
                .flatMap(resource -> ((ClusterRole) resource).getRules().stream())
                .collect(Collectors.toCollection(ArrayList::new));
    }
}
