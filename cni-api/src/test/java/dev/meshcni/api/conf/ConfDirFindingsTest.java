// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniJson;
import dev.meshcni.api.conf.Finding.Severity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfDirFindingsTest {
    private static final Path DIR = Path.of("/etc/cni/net.d");
    private static final InstallSettings SETTINGS =
            InstallSettings.chainedInto(CniJson.lenientObject("{\"name\":\"istio-cni\",\"type\":\"istio-cni\"}"));
    private static final String GOOD =
            "{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"plugins\":[{\"type\":\"bridge\"}]}";

    @Test
    void aDirectoryInOrderHasNone() {
        assertThat(findings(Map.of("10-pods.conflist", GOOD))).isEmpty();
    }

    @Test
    void aBrokenFileBeforeTheNetworkStopsContainerd() {
        assertFinding(
                Map.of("00-broken.conf", "{\n]", "10-pods.conflist", GOOD),
                Severity.ERROR,
                "00-broken.conf cannot be loaded",
                "line 2, column 1");
    }

    @Test
    void aFileThatIsNotUtf8IsLoadedByRuntimesAndNotEdited(@TempDir Path net) throws IOException {
        Files.writeString(
                net.resolve("00-latin.conflist"), GOOD.replace("pods", "p\u00f6ds"), StandardCharsets.ISO_8859_1);

        assertThat(ConfDirFindings.of(ConfDir.read(net), SETTINGS)).anySatisfy(finding -> {
            assertThat(finding.severity()).isEqualTo(Severity.ERROR);
            assertThat(finding.what())
                    .contains("not UTF-8", "runtimes load it nevertheless")
                    .doesNotContain("no network");
            assertThat(finding.remedy()).contains("iconv");
        });
    }

    @Test
    void aBrokenFileBehindTheNetworkIsGoodToKnow() {
        assertFinding(
                Map.of("99-broken.conf", "{", "10-pods.conflist", GOOD),
                Severity.INFO,
                "99-broken.conf cannot be loaded");
    }

    @Test
    void whatASinglePluginCallsDisableCheckIsItsOwn() {
        ConfDirSnapshot dir =
                ConfDirSnapshot.of(DIR, Map.of("10-a.conf", "{\"name\":\"a\",\"type\":\"bridge\",\"disableCheck\":5}"));

        assertThat(ConfDirFindings.of(dir, SETTINGS))
                .extracting(Finding::what)
                .isNotEmpty()
                .noneMatch(what -> what.contains("disableCheck"));
    }

    @Test
    void severalNetworksAreGoodToKnow() {
        assertFinding(
                Map.of("10-a.conflist", GOOD, "20-b.conflist", GOOD),
                Severity.INFO,
                "2 networks",
                "10-a.conflist",
                "max_conf_num");
    }

    @Test
    void ourPluginBeforeAnotherOneIsAWarning() {
        assertFinding(
                Map.of("10-pods.conflist", list("istio-cni", "bridge")),
                Severity.WARNING,
                "not the last plugin",
                "bridge comes after it");
    }

    @Test
    void ourPluginTwiceIsAWarning() {
        assertFinding(
                Map.of("10-pods.conflist", list("bridge", "istio-cni", "istio-cni")), Severity.WARNING, "is 2 times");
    }

    @Test
    void ourPluginInAnotherFileIsAWarning() {
        assertFinding(
                Map.of("10-a.conflist", GOOD, "20-b.conflist", list("ptp", "istio-cni")),
                Severity.WARNING,
                "also in 20-b.conflist");
    }

    @Test
    void aNetworkOfOurPluginAloneIsAnError() {
        assertFinding(
                Map.of("00-a.conflist", list("istio-cni"), "10-pods.conflist", GOOD),
                Severity.ERROR,
                "00-a.conflist sorts first",
                "no network");
    }

    @Test
    void unchainedItIsAWarningAsTheDirectoryMayBeOneThatNoRuntimeReads() {
        InstallSettings unchained = new InstallSettings(false, "", SETTINGS.entry());
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("YYY-istio-cni.conflist", list("istio-cni")));

        assertThat(ConfDirFindings.of(dir, unchained))
                .filteredOn(finding -> finding.what().contains("contains nothing but istio-cni"))
                .singleElement()
                .satisfies(finding -> {
                    assertThat(finding.severity()).isEqualTo(Severity.WARNING);
                    assertThat(finding.remedy()).contains("Multus");
                });
    }

    @Test
    void aNamedFileThatIsNotTheRuntimesIsAWarning() {
        InstallSettings named = new InstallSettings(true, "20-b.conflist", SETTINGS.entry());
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("10-a.conflist", GOOD, "20-b.conflist", GOOD));

        assertThat(ConfDirFindings.of(dir, named))
                .anySatisfy(finding -> assertThat(finding.what()).contains("runtimes use 10-a"));
    }

    @Test
    void theEntryOfAnotherIstioCniIsRecognised() {
        assertFinding(Map.of("10-pods.conflist", """
            {"cniVersion":"1.0.0","name":"a","plugins":[{"type":"bridge"},
              {"type":"istio-cni","kubernetes":{"kubeconfig":"/etc/cni/net.d/ZZZ-istio-cni-kubeconfig"}}]}
            """), Severity.INFO, "another istio-cni");
    }

    @Test
    void theCredentialThatIstioLeftIsAWarning() {
        assertFinding(
                Map.of("10-pods.conflist", GOOD, "ZZZ-istio-cni-kubeconfig", "x"), Severity.WARNING, "credential");
    }

    @Test
    void ciliumWarnsBeforeAndAfterItTakesTheDirectory() {
        assertFinding(Map.of("05-cilium.conflist", list("cilium-cni")), Severity.WARNING, "Cilium rewrites");
        assertFinding(
                Map.of("05-cilium.conflist", GOOD, "10-pods.conflist.cilium_bak", GOOD),
                Severity.WARNING,
                "Cilium has taken",
                "10-pods.conflist.cilium_bak");
        assertThat(findings(Map.of("05-cilium.conflist", list("cilium-cni")))
                        .getFirst()
                        .remedy())
                .contains("cni.exclusive");
    }

    @Test
    void aSinglePluginsFileThatDisappearsIsGoodToKnow() {
        assertFinding(
                Map.of("80-openshift-network.conf", "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"type\":\"x\"}"),
                Severity.INFO,
                "80-openshift-network.conf is converted to a .conflist");
    }

    @Test
    void disabledChecksAndOldVersionsAreGoodToKnow() {
        assertFinding(
                Map.of("a.conflist", GOOD.replace("\"name\"", "\"disableCheck\":true,\"name\"")),
                Severity.INFO,
                "disableCheck");
        assertFinding(Map.of("a.conflist", GOOD.replace("1.0.0", "0.3.1")), Severity.INFO, "there is no CHECK");
    }

    @Test
    void aVersionThatIsNotKnownIsAnError() {
        assertFinding(Map.of("a.conflist", GOOD.replace("1.0.0", "2.0.0")), Severity.ERROR, "\"2.0.0\"");
    }

    @Test
    void aNameThatRuntimesRefuseIsAnError() {
        assertFinding(Map.of("a.conflist", GOOD.replace("pods", "my pods")), Severity.ERROR, "\"my pods\"");
        assertFinding(Map.of("a.conf", "{\"cniVersion\":\"1.0.0\",\"type\":\"x\"}"), Severity.ERROR, "\"\"");
    }

    @Test
    void pluginsThatWouldRunAfterOursAreAWarning() {
        ConfDirSnapshot plain = ConfDirSnapshot.of(DIR, Map.of("a.conflist", GOOD));
        ConfDirSnapshot dir = new ConfDirSnapshot(
                DIR, plain.files(), Set.of("pods"), Map.of("pods", List.of("10-late.conf")), Map.of());

        assertThat(ConfDirFindings.of(dir, SETTINGS)).singleElement().satisfies(finding -> {
            assertThat(finding.severity()).isEqualTo(Severity.WARNING);
            assertThat(finding.what()).contains("10-late.conf");
            assertThat(finding.remedy()).contains("loadOnlyInlinedPlugins");
        });
    }

    @Test
    void anEntryOfOursInsideAnotherPluginIsNamedWithItsPlaceAtAnyDepth() {
        String multus = """
                {"cniVersion": "1.0.0", "name": "m", "plugins": [{"type": "tuning"}, {"type": "multus", "delegates": [
                  {"type": "ptp"},
                  {"plugins": [{"type": "multus", "delegates": [{"plugins": [{"type": "a"}, {"type": "istio-cni"}]}]}]},
                  {"type": "istio-cni"}]}]}""";

        assertFinding(
                Map.of("00-multus.conflist", multus),
                Severity.WARNING,
                "plugins[1].delegates[1].plugins[0].delegates[0].plugins[1], inside multus");
        assertFinding(Map.of("00-multus.conflist", multus), Severity.WARNING, "plugins[1].delegates[2], inside multus");
    }

    @Test
    void anEntryOfOursInADirectoryOfPluginsIsNamed() {
        ConfDirSnapshot plain = ConfDirSnapshot.of(DIR, Map.of("a.conflist", GOOD));
        ConfFile ours = ConfDir.parse("pods/50-ours.conf", "{\"type\": \"istio-cni\"}");
        ConfDirSnapshot dir = new ConfDirSnapshot(
                DIR, plain.files(), Set.of("pods"), Map.of("pods", List.of("50-ours.conf")), Map.of(ours.name(), ours));

        assertThat(ConfDirFindings.of(dir, SETTINGS))
                .anySatisfy(finding -> assertThat(finding.what()).contains("is also in pods/50-ours.conf"));
    }

    @ParameterizedTest
    @CsvSource({"linkerd-cni, Linkerd", "kuma-cni, Kuma", "consul-cni, Consul"})
    void anotherMeshInTheChainIsAWarning(String type, String product) {
        assertFinding(Map.of("10-pods.conflist", list("ptp", type)), Severity.WARNING, type, product);
    }

    @Test
    void loopbackIsNoNetworkOfPods() {
        String loopback = "{\"cniVersion\": \"1.0.0\", \"name\": \"lo\", \"type\": \"loopback\"}";
        Map<String, String> alone = Map.of("99-loopback.conf", loopback);

        assertThat(ChainedConf.install(ConfDirSnapshot.of(DIR, alone), SETTINGS))
                .isInstanceOf(InstallPlan.Wait.class);
        assertFinding(alone, Severity.ERROR, "99-loopback.conf sorts first and contains nothing but loopback");
        assertThat(ChainedConf.base(
                        ConfDirSnapshot.of(DIR, Map.of("00-loopback.conf", loopback, "10-pods.conflist", GOOD)),
                        SETTINGS))
                .get()
                .extracting(ConfFile.Valid::name)
                .isEqualTo("10-pods.conflist");
    }

    private static String list(String... types) {
        return "{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"plugins\":[{\"type\":\""
                + String.join("\"},{\"type\":\"", types) + "\"}]}";
    }

    private static List<Finding> findings(Map<String, String> files) {
        return ConfDirFindings.of(ConfDirSnapshot.of(DIR, files), SETTINGS);
    }

    private static void assertFinding(Map<String, String> files, Severity severity, String... words) {
        assertThat(findings(files)).anySatisfy(finding -> {
            assertThat(finding.severity()).isEqualTo(severity);
            assertThat(finding.what()).contains(words);
        });
    }
}
