// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The Helm chart and {@code meshcni manifest} are two ways to the same resources. */
class HelmChartTest {
    private static final Path CHART =
            Path.of("../deploy/helm/istio-cni").toAbsolutePath().normalize();

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                istio-system | {}
                kube-system  | {cni: {cniBinDir: /home/kubernetes/bin}}
                istio-system | {global: {platform: gke}}
                kube-system  | {global: {platform: gke}}
                kube-system  | {global: {platform: openshift}}
                kube-system  | {global: {platform: k3s}}
                kube-system  | {global: {platform: k3d}}
                kube-system  | {global: {platform: microk8s}}
                kube-system  | {global: {platform: minikube}}
                kube-system  | {global: {platform: openshift}, cni: {chained: true, provider: default}}
                mesh         | {cni: {chained: false, cniConfFileName: 99-mesh.conf, cniConfDir: /etc/cni/multus/net.d}, sidecarInjectorWebhook: {injectedAnnotations: {k8s.v1.cni.cncf.io/networks: default/istio-cni}}}
                mesh         | {cni: {repair: {deletePods: true}}}
                mesh         | {cni: {repair: {deletePods: true, labelPods: true}, env: {REPAIR_EVICT: "false"}}}
                mesh         | {cni: {repair: {labelPods: true, brokenPodLabelKey: example.com/broken}}}
                mesh         | {cni: {repair: {repairPods: false}}}
                mesh         | {cni: {repair: {enabled: false}, nodeTaint: true}}
                mesh         | {cni: {hub: registry.example.com/mesh, tag: 1.2.3, pullPolicy: Always}, global: {imagePullSecrets: [a, b]}}
                mesh         | {cni: {image: "registry.example.com/other/cni@sha256:12"}, global: {imagePullPolicy: Never}}
                mesh         | {cni: {logLevel: debug, logging: {level: "default:warn,cni:debug"}}, global: {logAsJson: true}}
                mesh         | {global: {logging: {level: error}}, revision: canary}
                mesh         | {cni: {excludeNamespaces: [], nativeNftables: true, env: {POD_WAIT_SECONDS: 20}}}
                mesh         | {cni: {podLabels: {team: mesh}, daemonSetLabels: {a: b}, terminationGracePeriodSeconds: 60}}
                mesh         | {cni: {istioOwnedCNIConfig: false, istioOwnedCNIConfigFileName: "", useAppArmorAnnotation: true}}
                mesh         | {istioOwnedCNIConfig: true}
                mesh         | {cni: {istioOwnedCNIConfig: true, istioOwnedCNIConfigFileName: 01-mesh.conflist}}
                mesh         | {cni: {privileged: true, podAnnotations: {a: b}, rollingMaxUnavailable: 10%}}
                mesh         | {cni: {tolerations: [{key: a, operator: Exists, effect: NoSchedule}], resources: {limits: {memory: 1Gi}}}}
                mesh         | {cni: {updateStrategy: {type: OnDelete}, resourceQuotas: {enabled: true, pods: 7}}}
                mesh         | {cni: {podMonitor: {enabled: true, interval: 15s, labels: {release: prometheus}}, prometheusRule: {enabled: true}}}
                mesh         | {cni: {prometheusRule: {enabled: true, labels: {release: prometheus}}, dashboard: {enabled: true}}}
                mesh         | {cni: {seccompProfile: {type: Unconfined}, seLinuxOptions: {type: spc_t, level: s0}}}
                mesh         | {cni: {architecture: any, nodeSelector: {pool: mesh}, priorityClassName: mesh, resourceQuotas: {enabled: true}}}
                mesh         | {cni: {nodeSelector: {kubernetes.io/arch: arm64, none: }}, nodeSelector: {of: istiod}}
                mesh         | {architecture: arm64, extraVolumes: [{name: more, emptyDir: {}}], extraVolumeMounts: [{name: more, mountPath: /more}]}
                mesh         | {cni: {prometheusRule: {enabled: true, runbookUrl: https://wiki.example/mesh}}}
                mesh         | {cni: {ambient: {enabled: true}}}
                istio-system | {ambient: {enabled: true, dnsCapture: false, ipv6: true}, nodeTaint: true}
                mesh         | {cni: {ambient: {enabled: true}, repair: {enabled: false}}}
                mesh         | {cni: {ambient: {enabled: true, ipv6: }, repair: {labelPods: true}, env: {AMBIENT_IPV6: false}}}
                mesh         | {cni: {ambient: {enabled: true}, env: {AMBIENT_IPV6: false}}, global: {platform: openshift, istioNamespace: mesh}}
                mesh         | {cni: {ambient: {enabled: true, enablementSelectors: []}}, global: {istioNamespace: istio-system}}
                mesh         | {cni: {ambient: {enabled: true, enablementSelectors: [\
                {podSelector: {matchLabels: {z: "1", a: ""}}, namespaceSelector: }, \
                {namespaceSelector: {matchExpressions: [{operator: In, values: [a, b], key: "c<d&e>"}, \
                {key: f, operator: Exists}, {key: g, operator: DoesNotExist, values: []}]}}]}}}
                mesh         | {cni: {ambient: {enabled: false, enablementSelectors: [{}], dnsCapture: true}}}
                mesh         | {profile: ambient}
                mesh         | {global: {profile: ambient}}
                mesh         | {profile: ambient, global: {profile: openshift}}
                mesh         | {profile: openshift-ambient}
                mesh         | {profile: compatibility-version-1.24, global: {profile: openshift-ambient}}
                mesh         | {profile: ambient, platform: k3s, cni: {ambient: {enabled: }}}
                mesh         | {profile: ambient, cni: {ambient: {enabled: false}}}
                mesh         | {profile: ambient, _internal_defaults_do_not_set: {ambient: {enabled: false, dnsCapture: true, enablementSelectors: [{podSelector: {}}]}}}
                mesh         | {profile: demo, _internal_defaults_do_not_set: {ambient: {enabled: false, dnsCapture: true}}}
                mesh         | {_internal_defaults_do_not_set: {ambient: {enabled: true, ipv6: true}}, ambient: {ipv6: false}}
                mesh         | {ambient: {enabled: true, dnsCapture: true}, cni: {ambient: {dnsCapture: false}}}
                mesh         | {ambient: null, profile: ambient}
                mesh         | {cni: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}}}
                """)
    void givesTheSameResourcesForTheSameValues(String namespace, String values) throws IOException {
        Map<String, HasMetadata> byChart = byChart(namespace, values);
        Map<String, HasMetadata> byCommand = byCommand(namespace, values);

        assertThat(byChart.keySet()).isEqualTo(byCommand.keySet());
        byChart.forEach((name, resource) -> assertThat(resource).as(name).isEqualTo(byCommand.get(name)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.25.0", "1.29.14", "1.30.0", "1.34.1"})
    void givesTheSameResourcesForTheSameVersionOfKubernetes(String version) throws IOException {
        assertThat(RenderedManifests.ofChart(directory, "mesh", "{}", version))
                .isEqualTo(RenderedManifests.ofCommand("mesh", "{}", version));
    }

    @Test
    void refusesAVersionOfKubernetesThatTheCommandRefuses() {
        assertThatThrownBy(() -> RenderedManifests.ofChart(directory, "mesh", "{}", "1.24.9"))
                .isInstanceOf(RuntimeException.class);
        assertThatThrownBy(() -> RenderedManifests.ofCommand("mesh", "{}", "1.24.9"))
                .isInstanceOf(RuntimeException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{cni: {chaned: true}}",
                "{cni: {provider: cilium}}",
                "{cni: {architecture: x86_64}}",
                "{cni: {extraVolumes: {name: more}}}",
                "{cni: {cniBinDir: opt/cni}}",
                "{cni: {env: {NODE_NAME: x}}}",
                "{cni: {env: {AMBIENT_ENABLED: x}}}",
                "{cni: {ambient: {enabled: sometimes}}}",
                "{cni: {ambient: {enablementSelectors: {podSelector: {}}}}}",
                "{cni: {ambient: {enablementSelectors: [{podSelectors: {}}]}}}",
                "{cni: {ambient: {enablementSelectors: [{podSelector: {labels: {}}}]}}}",
                "{cni: {ambient: {enablementSelectors: [{podSelector: {matchLabels: {a: true}}}]}}}",
                "{cni: {ambient: {enablementSelectors: [{podSelector: {matchLabels: {a: b c}}}]}}}",
                "{cni: {ambient: {enablementSelectors: [{podSelector: {matchExpressions: [{operator: Exists}]}}]}}}",
                "{cni: {ambient: {enablementSelectors: [{podSelector: {matchExpressions: [{key: a, operator: in}]}}]}}}",
                "{cni: {ambient: {enablementSelectors: [{podSelector: {matchExpressions: [{key: a, operator: In}]}}]}}}",
                "{cni: {ambient: {enablementSelectors: [{podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}]}}}",
                "{cni: {istioOwnedCNIConfig: true, chained: false}}",
                "{cni: {istioOwnedCNIConfig: true}, global: {platform: openshift}}",
                "{cni: {istioOwnedCNIConfigFileName: 02-istio-cni.conf}}",
                "{cni: {istioOwnedCNIConfigFileName: a/02-istio-cni.conflist}}",
                "{cni: {podLabels: {k8s-app: other}}}",
                "{cniBinDirr: /opt/cni/bin}",
                "{profile: my-ambient}",
                "{global: {profile: platform-ambient}}",
                "{profile: none}",
                "{image: install-cni}",
                "{cni: {image: registry.example.com/istio/install-cni:1.31.0}}",
                "{cni: {hub: gcr.io/istio-release}}",
                "{logging: {level: loud}}",
                "{global: {logging: {level: cni-agent}}}",
                "{global: {platform: vax}}",
                "{sidecarInjectorWebhook: {injectedAnnotations: {k8s.v1.cni.cncf.io/networks: other}}}"
            })
    void refusesWhatTheCommandRefuses(String values) {
        assertThatThrownBy(() -> byChart("mesh", values)).isInstanceOf(RuntimeException.class);
        assertThatThrownBy(() -> byCommand("mesh", values)).isInstanceOf(RuntimeException.class);
    }

    @Test
    void hasTheDefaultsOfTheCommandInItsValues() throws IOException {
        String values = Files.readString(CHART.resolve("values.yaml"));

        assertThat(byCommand("mesh", values)).isEqualTo(byChart("mesh", "{}"));
    }

    @Test
    void takesGlobalValuesOfOtherChartsOfARelease() throws IOException {
        assertThat(byChart("mesh", "{global: {example: {a: b}}}")).isEqualTo(byChart("mesh", "{}"));
    }

    @Test
    void hasItsDefaultsWhereValuesRemoveThem() throws IOException {
        assertThat(byChart("mesh", "{_internal_defaults_do_not_set: null, global: null, cni: null}"))
                .isEqualTo(byChart("mesh", "{}"));
    }

    private Map<String, HasMetadata> byChart(String namespace, String values) throws IOException {
        return RenderedManifests.ofChart(directory, namespace, values).resources();
    }

    private static Map<String, HasMetadata> byCommand(String namespace, String values) {
        return RenderedManifests.ofCommand(namespace, values).resources();
    }
}
