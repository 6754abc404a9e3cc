// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.doctor.Check.Verdict;
import dev.meshcni.kubernetes.ProxyVersion;
import dev.meshcni.manifest.NodeManifests;
import dev.meshcni.repair.RepairSettings;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Control planes, pods of the mesh, and the networks that Multus attaches them to. */
class ClusterMeshChecksTest extends ClusterDoctorFixture {
    @Test
    void proxiesOutsideOfTheSkewAreNamed() throws Exception {
        int old = ProxyVersion.COMPATIBLE.minor() - 2;
        cluster.web(pod -> withProxy(pod, "registry.example/istio/proxyv2:1." + old + ".7"));
        cluster.create();

        doctor.says(Verdict.WARNING, "1 proxy of Istio 1." + old + " (shop/web)");
    }

    @Test
    void aProxyWhoseImageNamesNoVersionIsUnknown() throws Exception {
        cluster.web(pod -> withProxy(pod, "registry.example/istio/proxyv2@sha256:abc"));
        cluster.create();

        doctor.says(Verdict.UNKNOWN, "the images of 1 proxy have no version in their tag (shop/web)");
    }

    @Test
    void podsThatStillHaveIstioInitAreCountedByNamespace() throws Exception {
        cluster.web(pod -> pod.edit()
                .editSpec()
                .editFirstInitContainer()
                .withName("istio-init")
                .endInitContainer()
                .endSpec()
                .build());
        cluster.create();

        doctor.says(Verdict.WARNING, "pods with istio-init, which needs NET_ADMIN, in shop (1)");
    }

    @Test
    void podsThatValidationStopsAreAnError() throws Exception {
        cluster.web(pod -> TestPods.crashing(pod, 126));
        cluster.create();

        doctor.says(
                Verdict.ERROR, "1 pod stopped by istio-validation, because their traffic is not redirected: shop/web");
    }

    @Test
    void podsThatRepairHasLabelledAreAnError() throws Exception {
        cluster.web(pod -> pod.edit()
                .editMetadata()
                .addToLabels(RepairSettings.LABEL_KEY, "true")
                .endMetadata()
                .build());
        cluster.create();

        doctor.says(Verdict.ERROR, "1 pod labelled cni.istio.io/uninitialized");
    }

    @Test
    void aControlPlaneOutsideOfTheSkewIsNamed() throws Exception {
        int next = ProxyVersion.COMPATIBLE.minor() + 2;
        cluster.istiod("1." + next + ".0");
        cluster.create();

        doctor.says(Verdict.WARNING, "istiod of revision default in istio-system is version 1." + next);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"istio_cni\":{\"enabled\":true}} | OK      | omits istio-init",
                "{\"pilot\":{}}                     | WARNING | it is not configured for the CNI plugin",
                "nonsense                           | UNKNOWN | are missing or cannot be parsed"
            })
    void anInjectorThatIsNotToldOfTheCniIsNamed(String values, Verdict verdict, String text) throws Exception {
        cluster.injectorValues(values);
        cluster.create();

        doctor.says(verdict, text);
    }

    @ParameterizedTest
    @CsvSource({"true, false, OK", "true, true, WARNING", "false, false, WARNING"})
    void inAmbientModeAnInjectorThatIsNotToldOfTheCniIsNamedIfPodsHaveASidecar(
            boolean ambient, boolean sidecar, Verdict verdict) throws Exception {
        cluster.injectorValues("{\"pilot\":{}}")
                .daemonSet(set -> ambient ? ambient(set) : set)
                .web(pod -> sidecar ? pod : withoutProxy(pod));
        cluster.create();

        doctor.says(verdict, "the injector istio-system/istio-sidecar-injector adds istio-init");
    }

    @Test
    void unchainedTheNetworkHasToBeWhereTheAnnotationNamesIt() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .web(pod -> attached(pod, "other, istio-cni@net9"));
        cluster.create();
        cluster.network("default");

        doctor.says(Verdict.ERROR, "no NetworkAttachmentDefinition shop/istio-cni");

        cluster.network("shop");

        doctor.says(Verdict.OK, "Multus finds the network istio-cni for every injected pod (default/istio-cni, shop/");
    }

    @Test
    void unchainedWithoutMultusNoPodThatIsAttachedStarts() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .web(pod -> attached(pod, "default/istio-cni"));
        cluster.create();
        server.fail(call -> call.path().contains("network-attachment-definitions"), Integer.MAX_VALUE, 404);

        doctor.says(Verdict.ERROR, "no NetworkAttachmentDefinition default/istio-cni");
    }

    @Test
    void unchainedBeforeAnythingIsInjectedTheNetworkIsMissed() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .web(pod -> pod.edit()
                        .editMetadata()
                        .withAnnotations(null)
                        .endMetadata()
                        .build());
        cluster.create();

        doctor.says(Verdict.WARNING, "no NetworkAttachmentDefinition istio-cni in any namespace");
    }

    @Test
    void unchainedAPodWithoutTheAnnotationIsNotRedirected() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())));
        cluster.create();
        cluster.network("default");

        doctor.says(Verdict.ERROR, "1 injected pod without the annotation k8s.v1.cni.cncf.io/networks");
    }

    @Test
    void unchainedTheInjectorsAnnotationCountsForNamespacesWithoutPods() throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .injectorValues("""
                    {"pilot":{"cni":{"enabled":true}},"sidecarInjectorWebhook":{"injectedAnnotations":
                     {"k8s.v1.cni.cncf.io/networks":"istio-cni"}}}\
                    """)
                .web(pod -> attached(pod, "default/istio-cni"));
        cluster.create();
        cluster.network("default");

        doctor.says(Verdict.ERROR, "no NetworkAttachmentDefinition shop/istio-cni");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                default/istio-cni, default/storage                             | default/istio-cni | true
                default/storage,default/istio-cni@net2                         | default/istio-cni | false
                istio-cni                                                      | shop/istio-cni    | false
                [{"name":"istio-cni","namespace":"default"},{"name":"storage"}]| default/istio-cni | true
                [{"name":"storage"},{"name":"istio-cni"}]                      | shop/istio-cni    | false
                """)
    void unchainedTheOrderOfTheNetworksDecidesAboutAddressesThatTheyBring(
            String annotation, String definition, boolean followed) throws Exception {
        cluster.agentSays(Optional.of(TestCluster.status(Optional.empty(), false, List.of())))
                .web(pod -> attached(pod, annotation));
        cluster.create();
        cluster.network(definition.replaceFirst("/.*", ""));

        if (followed) {
            doctor.says(Verdict.WARNING, "1 injected pod with another network after istio-cni (shop/web)");
        } else {
            doctor.says(Verdict.OK, "Multus finds the network istio-cni for every injected pod (" + definition);
        }
    }

    private static Pod withProxy(Pod pod, String image) {
        return pod.edit()
                .editSpec()
                .editLastContainer()
                .withImage(image)
                .endContainer()
                .endSpec()
                .build();
    }

    private static Pod withoutProxy(Pod pod) {
        return pod.edit()
                .editSpec()
                .removeMatchingFromContainers(container -> "istio-proxy".equals(container.getName()))
                .endSpec()
                .build();
    }

    private static DaemonSet ambient(DaemonSet set) {
        return set.edit()
                .editSpec()
                .editTemplate()
                .editSpec()
                .editFirstContainer()
                .addNewEnv()
                .withName(NodeManifests.AMBIENT_ENABLED)
                .withValue("true")
                .endEnv()
                .endContainer()
                .endSpec()
                .endTemplate()
                .endSpec()
                .build();
    }

    private static Pod attached(Pod pod, String networks) {
        return pod.edit()
                .editMetadata()
                .addToAnnotations("k8s.v1.cni.cncf.io/networks", networks)
                .endMetadata()
                .build();
    }
}
