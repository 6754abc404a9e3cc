// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_16;
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
    @ValueSource(strings = {"ambient", "openshift-ambient"})
    void aProfileThatAsksForAmbientModeTurnsItOn(String profile) throws IOException {
        Run run = manifest("profile: " + profile + "\ncni:\n  cniBinDir: /home/kubernetes/bin\n");

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("AMBIENT_ENABLED", "/var/run/ztunnel");
    }

    @Test
    void aProfileOfAmbientModeThatNobodyHasIsRefused() throws IOException {
        Run run = manifest("profile: platform-ambient\ncni:\n  cniBinDir: /home/kubernetes/bin\n");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("profile is 'platform-ambient'");
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
        assertThat(run.err()).contains("cni.image is '" + image + "', which is an image of Istio's");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "values.cni.podAnnotations.example\\.com/x=y            | example.com/x: \"y\"",
                "values.cni.excludeNamespaces[0]=kube-public            | EXCLUDE_NAMESPACES: \"kube-public\"",
                "components.egressGateways[0].enabled=true              | kind: \"DaemonSet\"",
                "values.cni.podAnnotations.a=b=c                        | a: \"b=c\"",
                "values.cni.excludeNamespaces={one,two}                 | EXCLUDE_NAMESPACES: \"one,two\"",
                "values.cni.podAnnotations.a=b\\,c                       | a: \"b,c\"",
                "values.cni.podAnnotations.\"example.com/x\"=y           | example.com/x: \"y\"",
                "values.cni.podAnnotations.a=\"b,c=d\"                   | a: \"b,c=d\"",
                "values.cni.tag=1.10,values.cni.hub=r.example.com       | image: \"r.example.com/mesh-cni:1.10\"",
                "values.cni.logging.level=default:warn,cni-agent:debug  | LOG_LEVEL: \"debug\"",
                "values.cni.excludeNamespaces.[0]=a                     | EXCLUDE_NAMESPACES: \"a\"",
                "values.cni.tolerations[0].key=a,values.cni.tolerations[0].operator=Exists | key: \"a\"",
                "cni.cniBinDir=/srv/bin                                 | path: \"/srv/bin\"",
                "cniBinDir=/srv/bin                                     | path: \"/srv/bin\"",
                "global.logAsJson=true                                  | LOG_FORMAT: \"json\"",
                "values.pilot.env.ANY_THING=x                           | kind: \"DaemonSet\"",
                "values.global.proxy.any.thing[0]=x                     | kind: \"DaemonSet\"",
                "values.sidecarInjectorWebhook.rewriteAppHTTPProbe=true | kind: \"DaemonSet\""
            })
    void aSettingIsWrittenAsForHelmAndIstioctl(String setting, String expected) {
        Run run = Run.meshcni("manifest", "--set", "components.cni.enabled=true", "--set", setting);

        assertThat(run.err()).isEmpty();
        assertThat(run.variables().replace("\"example.com/x\"", "example.com/x"))
                .contains(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "values.cni.chaned=true                       | unknown key values.cni.chaned, did you mean chained?",
                "cni.chaned=true                              | unknown key values.cni.chaned, did you mean chained?",
                "valeus.cni.chained=true                      | unknown key valeus, did you mean values?",
                "values.sidecarInjectorWebhook.injectedAnnotation.a=b | did you mean injectedAnnotations?",
                "values.istio_cni.enabld=true                 | did you mean enabled?",
                "values.pilot.cni.enabled=true,values.cn.x=y  | unknown key values.cn, did you mean cni?",
                "components.cin.enabled=true                  | unknown key components.cin, did you mean cni?"
            })
    void aSettingThatNothingReadsIsNamedWithTheNearest(String setting, String message) {
        Run run = Run.meshcni("manifest", "--set", setting);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err())
                .startsWith("meshcni manifest: --set " + setting + ": ")
                .contains(message);
    }

    @Test
    void nullRemovesASetting() throws IOException {
        String file = file("cni: {logLevel: debug, podAnnotations: {a: b, c: d}}");

        Run run = Run.meshcni(
                "manifest",
                "-f",
                file,
                "--set",
                "cni.logLevel=null,cni.podAnnotations.a=null",
                "--set",
                "cni.env=null");

        assertThat(run.variables())
                .contains("PLUGIN_LOG_LEVEL: \"info\"", "c: \"d\"")
                .doesNotContain(" a: \"b\"");
    }

    @Test
    void stringsStayStringsAndFilesAreRead() throws IOException {
        String file = Files.writeString(directory.resolve("text,=1"), "line 1\nline 2\n")
                .toString();

        Run run = Run.meshcni(
                "manifest",
                "--set-string",
                "cni.podAnnotations.a=0755,cni.podAnnotations.b=null",
                "--set-file",
                "cni.podAnnotations.c=" + file.replace(",", "\\,").replace("=", "\\="));

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("a: \"0755\"", "b: \"null\"", "c: |");
    }

    @Test
    void anItemOfAListIsFoundByWhatItHolds() throws IOException {
        String file = file("cni: {tolerations: [{key: a, operator: Exists}, {key: b, operator: Exists}]}");

        assertThat(Run.meshcni("manifest", "-f", file, "--set", "cni.tolerations[key:b].effect=NoSchedule")
                        .out())
                .containsPattern("effect: \"NoSchedule\"\\s+key: \"b\"");
        assertThat(Run.meshcni("manifest", "-f", file, "--set", "cni.tolerations[key:c].effect=NoSchedule")
                        .err())
                .contains("no item of the list has key: c");
    }

    @Test
    void bothShapesOfValuesMeanTheSame() throws IOException {
        Run run = manifest("cni: {cniBinDir: /a, repair: {deletePods: true}}\nglobal: {logAsJson: true}\n");
        String nested = run.out();

        assertThat(run.variables()).contains("/a", "REPAIR_DELETE_PODS: \"true\"");
        assertThat(manifest("cniBinDir: /a\nrepair: {deletePods: true}\nglobal: {logAsJson: true}\n")
                        .out())
                .isEqualTo(nested);
        assertThat(manifest("""
                _internal_defaults_do_not_set:
                  cniBinDir: /b
                  repair: {deletePods: true}
                  global: {logAsJson: true}
                cniBinDir: /c
                cni: {cniBinDir: /a}
                """).out()).isEqualTo(nested);
        assertThat(manifest("defaults: {cni: {cniBinDir: /a, repair: {deletePods: true}}, global: {logAsJson: on}}\n")
                        .out())
                .isEqualTo(nested);
    }

    @Test
    void aPlatformWinsOverACopyOfTheDefaults() throws IOException {
        assertThat(manifest("""
                _internal_defaults_do_not_set: {cniBinDir: /opt/cni/bin, cniConfDir: /etc/cni/net.d}
                platform: k3s
                """).out())
                .contains("/var/lib/rancher/k3s/data/cni", "/var/lib/rancher/k3s/agent/etc/cni/net.d");
    }

    @Test
    void wordsOfGoAndHelmAreBooleans() throws IOException {
        assertThat(manifest("cni: {chained: no, privileged: On, repair: {enabled: off}}\n")
                        .variables())
                .contains("CHAINED_CNI_PLUGIN: \"false\"", "privileged: true", "REPAIR_ENABLED: \"false\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "profile: ambint       | profile is 'ambint', but must be one of",
                "profile: ./mine.yaml  | profile is the file './mine.yaml', which is not read from here",
                "platform: rke2        | platform is 'rke2', but must be one of aks, default, eks, gcp, gke",
                "hub: docker.io/istio  | cni.hub is 'docker.io/istio', which holds Istio's images",
                "logging: {level: loud} | cni.logging.level is 'loud', but must be a level, debug, info",
                "ambient: {enablementSelectors: [{pods: {}}]} | cni.ambient.enablementSelectors: \"pods\" is unknown here",
                "cniBinDirr: /x        | unknown key cniBinDirr, did you mean cniBinDir?",
                "affinity: x           | cni.affinity has the wrong type for this Kubernetes field"
            })
    void whatIsNotDoneIsSaid(String values, String message) throws IOException {
        Run run = manifest(values + "\n");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains(message);
    }

    @Test
    void aKeyOfTheCniOutsideOfItIsNamedWithItsPlace() throws IOException {
        assertThat(manifest("""
                apiVersion: install.istio.io/v1alpha1
                kind: IstioOperator
                spec:
                  components: {cni: {enabled: true}}
                  values: {cniBinDir: /x}
                """).err()).contains("values.yaml:5:12: values.cniBinDir belongs below values.cni");
    }

    @Test
    void aLongListOfKeysIsNotShown() throws IOException {
        assertThat(manifest("xylophone: 1\n").err()).contains("unknown key xylophone; no known key is similar");
    }

    @Test
    void otherResourcesBesideAnIstioOperatorArePassedOver() throws IOException {
        Run run = manifest("""
            \ufeffapiVersion: v1
            kind: Namespace
            metadata: {name: istio-system}
            ---
            \ufeffapiVersion: install.istio.io/v1alpha1
            kind: IstioOperator
            metadata: &names {name: mesh}
            spec:
              components: {cni: {enabled: true, label: *names}}
            """.replace("label: *names", "namespace: mesh"));

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("# Namespace at", "namespace: \"mesh\"");
    }

    @Test
    void whatKubernetesSettingsOfTheComponentAddIsThere() throws IOException {
        Run run = manifest("""
            apiVersion: install.istio.io/v1alpha1
            kind: IstioOperator
            spec:
              components:
                cni:
                  enabled: true
                  k8s:
                    env: [{name: POD_WAIT_SECONDS, value: "20"}]
                    priorityClassName: mine
                    readinessProbe: {initialDelaySeconds: 7}
                    securityContext: {fsGroup: 5}
                    volumes: [{name: more, emptyDir: {}}]
                    volumeMounts: [{name: more, mountPath: /more}]
                    hpaSpec: {maxReplicas: 3}
                    strategy: {rollingUpdate: {maxSurge: 1}}
            """);

        assertThat(run.err()).isEmpty();
        assertThat(run.out())
                .contains("name: \"POD_WAIT_SECONDS\"", "priorityClassName: \"mine\"", "fsGroup: 5", "/more")
                .containsPattern("path: \"/readyz\"\\s+port: 8000\\s+initialDelaySeconds: 7");
    }

    @Test
    void anUnreadableFileIsNamedInOurWords() throws IOException {
        Path utf16 = Files.write(directory.resolve("v.yaml"), "cni: {}".getBytes(UTF_16));

        assertThat(Run.meshcni("manifest", "-f", utf16.toString()).err())
                .isEqualToIgnoringNewLines("meshcni manifest: " + utf16
                        + ":1:1: the byte order mark is that of UTF-16; save the file as UTF-8");
        assertThat(Run.meshcni("manifest", "-f", directory.resolve("none").toString())
                        .err())
                .contains("none does not exist");
    }

    @Test
    void aPodManifestIsReadByTheSameReader() throws IOException {
        String pod = Files.writeString(directory.resolve("pod.yaml"), """
                        \ufeffapiVersion: v1
                        kind: Pod
                        metadata: {name: web, namespace: a, creationTimestamp: }
                        spec: {containers: [{name: 5}, 6]}
                        """).toString();

        assertThat(Run.meshcni("rules", "--pod", pod).err())
                .contains(pod + ":4:32: spec.containers[1] has the wrong type for this Kubernetes field");
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

        assertThat(run.variables()).contains("EXCLUDE_NAMESPACES: \"three,two\"");
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
        assertThat(run.err()).startsWith("meshcni manifest: --set " + setting);
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
        return Run.meshcni("manifest", "-f", file(text));
    }

    private String file(String text) throws IOException {
        return Files.writeString(directory.resolve("values.yaml"), text).toString();
    }
}
