// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.redirect.testkit.RecordedAmbient;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the commands say of ambient pods. */
class AmbientCommandsTest {
    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "labels: {istio.io/dataplane-mode: ambient}",
                "annotations: {ambient.istio.io/redirection: enabled}",
                "annotations: {ambient.istio.io/redirection: pending}"
            })
    void aPodIsKnownByItsLabelOrItsStatus(String metadata) throws IOException {
        Run run = Run.meshcni("rules", "-f", file(metadata));

        assertThat(run.out().lines())
                .contains(
                        "# ipv4",
                        "# ipv6",
                        "-A ISTIO_PRERT -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark" + " 0x111/0xfff");
    }

    @Test
    void theLabelOfTheNamespaceIsAnOptionAndThatOfThePodGoesBeforeIt() throws IOException {
        assertThat(Run.meshcni("rules", "-f", file("")).out()).contains("not redirected");
        assertThat(Run.meshcni("rules", "-f", file(""), "--ambient").out()).contains("ISTIO_PRERT");
        assertThat(Run.meshcni("rules", "-f", file("labels: {istio.io/dataplane-mode: none}"), "--ambient")
                        .out())
                .contains("not redirected");
        assertThat(Run.meshcni("rules", "-f", file("annotations: {sidecar.istio.io/status: ''}"), "--ambient")
                        .out())
                .contains("not redirected");
    }

    @Test
    void dnsIsTheNodesAndThenThePodsDecision() throws IOException {
        assertThat(Run.meshcni("rules", "-f", file(""), "--ambient", "--ambient-dns-capture=false")
                        .out())
                .doesNotContain("15053");
        String pod = file("annotations: {ambient.istio.io/dns-capture: 'true'}");
        assertThat(Run.meshcni("rules", "-f", pod, "--ambient", "--ambient-dns-capture=false", "-o", "tree")
                        .out())
                .contains("redirect to port 15053")
                .contains("(annotation ambient.istio.io/dns-capture)");
        Run wrong = Run.meshcni("rules", "-f", file(""), "--ambient", "--ambient-dns-capture=maybe");
        assertThat(wrong.exitCode()).isNotZero();
        assertThat(wrong.err()).contains("option --ambient-dns-capture is \"maybe\": it must be true or false");
    }

    @Test
    void anAnnotationThatIsIgnoredIsWarnedAbout() throws IOException {
        Run run = Run.meshcni("rules", "-f", file("annotations: {ambient.istio.io/dns-capture: 'on'}"), "--ambient");

        assertThat(run.err()).contains("warning: pod shop/web: annotation ambient.istio.io/dns-capture is \"on\"");
    }

    @Test
    void theRulesAreForProgramsToo() throws IOException {
        Run run = Run.meshcni("rules", "-f", file(""), "--ambient", "-o", "json");

        JsonNode plan = new ObjectMapper().readTree(run.out());
        assertThat(plan.path("decision").asText()).isEqualTo("redirect");
        assertThat(plan.path("mode").asText()).isEqualTo("ambient");
        assertThat(plan.path("tproxyRouting"))
                .isEqualTo(new ObjectMapper()
                        .readTree("{\"mark\": 273, \"mask\": 4095, \"table\": 100, \"preference\": 32764}"));
        assertThat(plan.findValuesAsText("type")).contains("setConnectionMark");
    }

    @ParameterizedTest
    @CsvSource({
        "--connect tcp:10.0.0.1:443,                  captured by ztunnel",
        "--connect udp:10.0.0.1:53,                   captured by ztunnel",
        "--connect udp:10.0.0.1:443,                  direct",
        "--connect tcp:10.0.0.1:15008 --mark 0x539,   'sent by ztunnel, direct'",
        "--connect tcp:10.0.0.1:15008 --mark 1337,    'sent by ztunnel, direct'",
        "--connect tcp:[fd00::1]:443,                 captured by ztunnel",
        "--accept tcp:8080,                           captured by ztunnel",
        "--accept tcp:15008,                          'tunnel (HBONE) to ztunnel, direct'",
        "--accept tcp:8080 --source 169.254.7.127,    'probe, direct'",
        "--accept udp:8080,                           direct"
    })
    void aConnectionIsExplained(String connection, String path) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("explain", "-f", file(""), "--ambient"));
        arguments.addAll(List.of(connection.split(" ", -1)));

        Run run = Run.meshcni(arguments.toArray(String[]::new));

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).startsWith("Ambient pod: " + path + ".\n");
    }

    @Test
    void aMarkThatIsNoneIsNamed() throws IOException {
        Run run = Run.meshcni("explain", "-f", file(""), "--ambient", "--connect", "tcp:10.0.0.1:1", "--mark", "0x1g");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("option --mark is \"0x1g\"");
    }

    @NeedsRoot("makes network namespaces")
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPodThatIstioEnrolledIsVerified(boolean nft) throws IOException {
        RecordedAmbient recorded = RecordedAmbient.DNS_CAPTURED;
        String pod = file("annotations: {ambient.istio.io/redirection: enabled}");
        try (PodNetns netns = PodNetns.create("10.9.0.2/24")) {
            enrol(netns, recorded, nft);
            String[] verify = {"verify", "--netns", netns.path().toString(), "-f", pod};

            Run good = Run.meshcni(verify);
            netns.exec("ip", "rule", "del", "pref", "32764");
            Run bad = Run.meshcni(verify);

            assertThat(good.out())
                    .isEqualTo("shop/web should be redirected to ztunnel, and its network namespace" + " matches.\n");
            assertThat(good.exitCode()).isZero();
            assertThat(bad.exitCode()).isEqualTo(1);
            assertThat(bad.out()).contains("missing in ipv4 routing rules: fwmark 0x111/0xfff lookup 100");
        }
    }

    /** As Istio's node agent does it: rules of IPv4 only, as the recorded probe address of IPv6 is not the default. */
    private void enrol(PodNetns netns, RecordedAmbient recorded, boolean nft) throws IOException {
        Path rules = Files.writeString(
                directory.resolve("rules"), nft ? recorded.nft(false) : recorded.iptables(IpFamily.IPV4));
        if (nft) {
            netns.exec("nft", "-f", rules.toString());
        } else {
            netns.exec("sh", "-c", "iptables-nft-restore --noflush < " + rules);
        }
        netns.exec("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100", "scope", "host");
        netns.exec("ip", "rule", "add", "fwmark", "0x111/0xfff", "pref", "32764", "lookup", "100");
    }

    private String file(String metadata) throws IOException {
        return Files.writeString(directory.resolve("pod.yaml"), """
                        apiVersion: v1
                        kind: Pod
                        metadata:
                          name: web
                          namespace: shop
                          %s
                        spec:
                          containers:
                            - name: app
                              image: app:1
                        """.formatted(metadata))
                .toString();
    }
}
