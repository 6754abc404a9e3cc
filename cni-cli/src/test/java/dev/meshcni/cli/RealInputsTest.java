// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files and settings as users have them, which were misread once. */
class RealInputsTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "4294967295",
                "012345678901",
                "0899",
                ".inf",
                "-.INF",
                ".NaN",
                "0x7fffffffffffffffff",
                "0o17",
                "1e999"
            })
    void numbersOfOtherComponentsMayBeAnything(String number) throws IOException {
        Run run = manifest("""
            apiVersion: install.istio.io/v1alpha1
            kind: IstioOperator
            spec:
              components:
                cni: {enabled: true}
              meshConfig:
                extensionProviders:
                  - name: authz
                    envoyExtAuthzHttp: {includeRequestBodyInCheck: {maxRequestBytes: %1$s}}
              values:
                global: {meshID: %1$s}
            """.formatted(number));

        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ambient", "openshift-ambient", "platform-ambient"})
    void aProfileThatAsksForAmbientModeIsRefused(String profile) throws IOException {
        Run run = manifest("profile: " + profile + "\ncni:\n  cniBinDir: /home/kubernetes/bin\n");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("1:1: values.profile is '" + profile + "'", "not to ztunnel");
    }

    @Test
    void theProfileOfOpenShiftIsThatPlatform() throws IOException {
        assertThat(manifest("profile: openshift\ncni: {}\n").out())
                .isEqualTo(manifest("global: {platform: openshift}\ncni: {}\n").out())
                .contains("/etc/cni/multus/net.d");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "install-cni",
                "registry.example.com/istio/install-cni:1.31.0",
                "registry.example.com/install-cni@sha256:00"
            })
    void theImageOfIstiosOwnCniIsRefused(String image) throws IOException {
        Run run = manifest("cni:\n  image: " + image + "\n  hub: registry.example.com/istio\n  tag: 1.31.0\n");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("values.cni.image is '" + image + "', which is Istio's own CNI");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "values.cni.podAnnotations.example\\.com/x=y            | example.com/x: \"y\"",
                "values.cni.excludeNamespaces[0]=kube-public            | EXCLUDE_NAMESPACES: \"kube-public\"",
                "components.egressGateways[0].enabled=true              | kind: \"DaemonSet\"",
                "values.cni.podAnnotations.a=b=c                        | a: \"b=c\"",
                "values.cni.excludeNamespaces={one,two}                 | EXCLUDE_NAMESPACES: \"one,two\""
            })
    void aSettingIsWrittenAsForHelmAndIstioctl(String setting, String expected) {
        Run run = Run.meshcni("manifest", "--set", "components.cni.enabled=true", "--set", setting);

        assertThat(run.err()).isEmpty();
        assertThat(run.out().replace("\"example.com/x\"", "example.com/x")).contains(expected);
    }

    @Test
    void anAnnotationWithDotsReachesTheInjector() {
        Run run = Run.meshcni(
                "manifest",
                "--set",
                "values.cni.chained=false",
                "--set",
                "values.sidecarInjectorWebhook.injectedAnnotations.k8s\\.v1\\.cni\\.cncf\\.io/networks=default/istio-cni");

        assertThat(run.out()).contains("kind: \"NetworkAttachmentDefinition\"");
    }

    @Test
    void placesOfAListAreFilledInTheirOrder() {
        Run run = Run.meshcni(
                "manifest",
                "--set",
                "values.cni.excludeNamespaces[0]=one",
                "--set",
                "values.cni.excludeNamespaces[1]=two",
                "--set",
                "values.cni.excludeNamespaces[0]=three");

        assertThat(run.out()).contains("EXCLUDE_NAMESPACES: \"three,two\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "values",
                "=x",
                "values..cni=x",
                "values.cni.excludeNamespaces[x]=y",
                "values.cni.excludeNamespaces[3]=y",
                ".a=b"
            })
    void aSettingThatIsNoneIsNamed(String setting) {
        Run run = Run.meshcni("manifest", "--set", setting);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).startsWith("--set " + setting);
    }

    @Test
    void theAddressesOfARunningPodDecide() throws IOException {
        String pod = Files.writeString(
                        directory.resolve("pod.yaml"),
                        Manifests.injected("web")
                                + "status:\n  podIP: 2001:db8::5\n  podIPs: [{ip: \"2001:db8::5\"}]\n")
                .toString();

        assertThat(Run.meshcni("rules", "--pod", pod, "--format", "tree").out())
                .containsPattern("(?m)^ipv4")
                .containsPattern("(?m)^ipv6");
        assertThat(Run.meshcni("explain", "--pod", pod, "--connect", "tcp:[2001:db8::99]:443")
                        .out())
                .contains("from 2001:db8::5")
                .contains("port 15001");
    }

    @ParameterizedTest
    @CsvSource({
        "gone,current context \"gone\" does not exist; available contexts: [a]",
        "'\"\"',has no current-context; available contexts: [a]"
    })
    void aKubeconfigWithoutItsCurrentContextIsNotPassedOver(String current, String reason) throws IOException {
        String file = Files.writeString(directory.resolve("kubeconfig"), """
            apiVersion: v1
            kind: Config
            current-context: %s
            contexts: [{name: a, context: {cluster: c, user: u}}]
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
            users: [{name: u, user: {token: x}}]
            """.formatted(current))
                .toString();

        Run run = Run.meshcni("doctor", "--cluster", "--kubeconfig", file, "--request-timeout-seconds", "3");

        assertThat(run.exitCode()).isNotZero();
        assertThat(run.out() + run.err()).contains("kubeconfig " + file).contains(reason);
    }

    private Run manifest(String text) throws IOException {
        return Run.meshcni(
                "manifest",
                "-f",
                Files.writeString(directory.resolve("values.yaml"), text).toString());
    }
}
