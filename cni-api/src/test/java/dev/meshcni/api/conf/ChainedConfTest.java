// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.NetworkConfigList;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ChainedConfTest {
    private static final Path DIR = Path.of("/etc/cni/net.d");
    private static final InstallSettings SETTINGS =
            InstallSettings.chainedInto(CniJson.lenientObject("{\"name\":\"istio-cni\",\"type\":\"istio-cni\"}"));
    private static final String LIST = """
            {
              "cniVersion": "0.3.1",
              "name": "pods",
              "plugins": [
                {
                  "type": "bridge"
                },
                {
                  "type": "portmap",
                  "snat": true
                }
              ]
            }
            """;

    private static final String PTP = "{\"cniVersion\":\"0.3.1\",\"name\":\"ptp\",\"plugins\":[{\"type\":\"ptp\"}]}";
    private static final String SINGLE = "{\"name\":\"lone\",\"type\":\"bridge\",\"ipam\":{}}\n";
    private static final String CILIUM = """
            {
              "cniVersion": "0.3.1",
              "name": "cilium",
              "plugins": [
                {
                   "type": "cilium-cni",
                   "enable-debug": false,
                   "log-file": "/var/run/cilium/cilium-cni.log"
                }
              ]
            }
            """;
    private static final String FLANNEL = """
            {
              "name": "cbr0", "cniVersion": "0.3.1",
              "plugins": [
                { "type": "flannel", "delegate": { "hairpinMode": true } },
                {
                  "type": "portmap", "capabilities": {
                    "portMappings": true
                  }
                }
              ]
            }""";
    private static final String AWS = """
            {
            "cniVersion": "0.4.0",
            "name": "aws-cni",
            "disableCheck": true,
            "plugins": [{
            "name": "aws-cni", "type": "aws-cni", "mtu": "9001"
            },
            {
            "name": "egress-cni", "type": "egress-cni", "ipam": {"ranges": [[{"subnet": "169.254.172.0/22"}]]}
            }]}
            """;

    @Test
    void ourPluginIsAppendedInTheMannerOfTheFile() {
        assertThat(content(edits(Map.of("10-pods.conflist", LIST)), "10-pods.conflist"))
                .isEqualTo("""
                {
                  "cniVersion": "0.3.1",
                  "name": "pods",
                  "plugins": [
                    {
                      "type": "bridge"
                    },
                    {
                      "type": "portmap",
                      "snat": true
                    },
                    {
                      "name": "istio-cni",
                      "type": "istio-cni"
                    }
                  ]
                }
                """);
    }

    @Test
    void aListOnOneLineStaysOnOneLine() {
        String list = "{\"name\":\"a\",\"plugins\":[{\"type\":\"x\"}, {\"type\":\"y\"}],\"z\":1.50}";

        assertThat(content(edits(Map.of("a.conflist", list)), "a.conflist"))
                .isEqualTo("{\"name\":\"a\",\"plugins\":[{\"type\":\"x\"}, {\"type\":\"y\"}, "
                        + "{\"name\":\"istio-cni\",\"type\":\"istio-cni\"}],\"z\":1.50}");
    }

    @Test
    void tabsAndCarriageReturnsAreKept() {
        String list =
                "{\r\n\t\"name\": \"a\",\r\n\t\"plugins\": [\r\n\t\t{\r\n\t\t\t\"type\": \"x\"\r\n\t\t}\r\n\t]\r\n}";

        assertThat(content(edits(Map.of("a.conflist", list)), "a.conflist"))
                .isEqualTo(
                        "{\r\n\t\"name\": \"a\",\r\n\t\"plugins\": [\r\n\t\t{\r\n\t\t\t\"type\": \"x\"\r\n\t\t},"
                                + "\r\n\t\t{\r\n\t\t\t\"name\": \"istio-cni\",\r\n\t\t\t\"type\": \"istio-cni\"\r\n\t\t}\r\n\t]\r\n}");
    }

    @Test
    void aSinglePluginBecomesAListThatHoldsItByteForByte() {
        String conf = "{ \"name\": \"pods\", \"cniVersion\": \"0.3.1\",\n  \"type\": \"ptp\" }\n\n";

        List<FileEdit> edits = edits(Map.of("10-pods.conf", conf));

        assertThat(edits)
                .containsExactly(
                        new FileEdit.Write("10-pods.conflist", content(edits, "10-pods.conflist"), "10-pods.conf"),
                        new FileEdit.Delete("10-pods.conf"));
        assertThat(content(edits, "10-pods.conflist")).isEqualTo("""
                {
                  "cniVersion": "0.3.1",
                  "name": "pods",
                  "meshcni.dev/original": "10-pods.conf",
                  "plugins": [
                { "name": "pods", "cniVersion": "0.3.1",
                  "type": "ptp" }

                ,
                    {
                      "name": "istio-cni",
                      "type": "istio-cni"
                    }
                  ]
                }
                """);
    }

    static Stream<Arguments> directories() {
        return Stream.of(
                        Map.of("10-ptp.conflist", PTP),
                        Map.of("10-pods.conflist", LIST),
                        Map.of("10-flannel.conflist", FLANNEL),
                        Map.of("05-cilium.conflist", CILIUM),
                        Map.of("10-aws.conflist", AWS),
                        Map.of("10-lone.conf", SINGLE),
                        Map.of("10-lone.json", SINGLE),
                        Map.of("10-null.conf", "{\"cniVersion\":null,\"name\":\"a\",\"type\":\"x\"}"),
                        Map.of("10-lone.conf", SINGLE, "10-lone.conflist", PTP),
                        Map.of("10-lone.conf", SINGLE, "10-lone.conf.json", SINGLE),
                        Map.of("10-pods.conflist", LIST, "20-ptp.conflist", PTP),
                        Map.of("00-broken.conflist", "{ oops", "10-pods.conflist", LIST),
                        Map.of("10-x.conflist", LIST.replace("\"name\"", "\"_comment\": \"a, b ] } [\",\n  \"name\"")),
                        Map.of("10-x.conflist", LIST.replace("\"portmap\"", "\"po\\u0072tmap\"")),
                        Map.of("10-x.conflist", LIST.replace("\"plugins\": [", "\"plugins\": [], \"plugins\": [")))
                .map(Arguments::of);
    }

    @ParameterizedTest
    @MethodSource("directories")
    void installingTwiceIsOnceAndUninstallingRestoresTheBytes(Map<String, String> files) {
        ConfDirSnapshot before = ConfDirSnapshot.of(DIR, files);

        ConfDirSnapshot installed = before.after(edits(before));
        assertThat(installed.primary().orElseThrow().list().plugins().getLast().type())
                .isEqualTo("istio-cni");
        assertThat(installed.primary().orElseThrow().list().name())
                .isEqualTo(before.primary().orElseThrow().list().name());
        assertThat(edits(installed)).isEmpty();

        ConfDirSnapshot uninstalled = installed.after(ChainedConf.uninstall(installed, SETTINGS));
        assertThat(texts(uninstalled)).isEqualTo(texts(before));
    }

    @Test
    void ourEntryInTheMiddleIsTakenOutWithoutTouchingTheOthers() {
        String middle = LIST.replace(
                "    {\n      \"type\": \"portmap\"",
                "    {\n      \"type\": \"istio-cni\",\n      \"kubernetes\": {}\n    },\n    {\n      \"type\": \"portmap\"");
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("a.conflist", middle));

        assertThat(content(ChainedConf.uninstall(dir, SETTINGS), "a.conflist")).isEqualTo(LIST);
        assertThat(dir.after(edits(dir)).primary().orElseThrow().list().plugins())
                .extracting(NetworkConfigList.Plugin::type)
                .containsExactly("bridge", "portmap", "istio-cni");
    }

    @Test
    void copiesWithinAnotherPluginAreTakenOutWithoutTouchingAnythingElse() {
        String multus = """
                {"name": "m", "plugins": [{"type": "tuning"}, {"type": "multus", "delegates": [
                  {"plugins": [ {"type": "a"} , {"type": "istio-cni", "plugins": []}, {"type": "istio-cni"} ,{"type": "b"}]},
                  {"plugins": [{"type": "istio-cni"},  {"type": "multus", "delegates": [{"plugins": [{"type": "istio-cni"}]}]}]},
                  {"type": "istio-cni"}]}]}
                """;
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("00-multus.conflist", multus));

        assertThat(content(ChainedConf.uninstall(dir, SETTINGS), "00-multus.conflist"))
                .isEqualTo("""
                {"name": "m", "plugins": [{"type": "tuning"}, {"type": "multus", "delegates": [
                  {"plugins": [ {"type": "a"} ,{"type": "b"}]},
                  {"plugins": [{"type": "multus", "delegates": [{"plugins": [{"type": "istio-cni"}]}]}]},
                  {"type": "istio-cni"}]}]}
                """);
        assertThat(dir.after(ChainedConf.uninstall(dir, SETTINGS)))
                .satisfies(after ->
                        assertThat(ChainedConf.uninstall(after, SETTINGS)).isEmpty());
    }

    @Test
    void aCopyWithinTheBaseCniGoesWhenTheEntryIsChainedBehindIt() {
        String multus = "{\"name\": \"m\", \"plugins\": [{\"type\": \"multus\", \"delegates\": [{\"plugins\": ["
                + "{\"type\": \"ptp\"}, {\"type\": \"istio-cni\"}]}]}]}";
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("00-multus.conflist", multus));

        ConfDirSnapshot installed = dir.after(edits(dir));

        assertThat(content(edits(dir), "00-multus.conflist").replace(" ", ""))
                .containsOnlyOnce("\"type\":\"istio-cni\"");
        assertThat(edits(installed)).isEmpty();
    }

    @Test
    void aCopyThatAnotherPluginHasOfTheNamedFileStaysWhileItIsInstalled() {
        String multus = "{\"name\": \"m\", \"plugins\": [{\"type\": \"multus\", \"delegates\": [{\"plugins\": ["
                + "{\"type\": \"ptp\"}, {\"type\": \"istio-cni\"}]}]}]}";
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("00-multus.conflist", multus, "10-pods.conflist", LIST));

        assertThat(ChainedConf.install(dir, new InstallSettings(true, "10-pods.conflist", SETTINGS.entry())))
                .isInstanceOfSatisfying(
                        InstallPlan.Edits.class,
                        plan -> assertThat(plan.edits())
                                .extracting(FileEdit::name)
                                .containsExactly("10-pods.conflist"));
    }

    @Test
    void aFileThatComesBackReplacesWhatWasMadeOfIt() {
        ConfDirSnapshot installed = ConfDirSnapshot.of(DIR, Map.of("a.conf", "{\"name\":\"a\",\"type\":\"old\"}"));
        installed = installed.after(edits(installed));
        ConfDirSnapshot back =
                installed.after(List.of(new FileEdit.Write("a.conf", "{\"name\":\"a\",\"type\":\"new\"}", "a.conf")));

        ConfDirSnapshot again = back.after(edits(back));
        assertThat(again.files()).extracting(ConfFile::name).containsExactly("a.conflist");
        assertThat(again.primary().orElseThrow().list().plugins().getFirst().type())
                .isEqualTo("new");
        assertThat(ChainedConf.uninstall(back, SETTINGS)).containsExactly(new FileEdit.Delete("a.conflist"));
    }

    @Test
    void aNamedFileIsFoundUnderItsOtherEndingToo() {
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("05-first.conflist", LIST, "10-pods.conflist", LIST));
        InstallSettings named = new InstallSettings(true, "10-pods.conf", SETTINGS.entry());

        assertThat(ChainedConf.base(dir, named).orElseThrow().name()).isEqualTo("10-pods.conflist");
    }

    @Test
    void aNamedFileThatIsAbsentIsWaitedForEvenWhenThereAreOthers() {
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("05-first.conflist", LIST));

        assertThat(ChainedConf.install(dir, new InstallSettings(true, "10-pods.conf", SETTINGS.entry())))
                .isEqualTo(new InstallPlan.Wait("the base CNI's configuration in /etc/cni/net.d/10-pods.conf"));
    }

    @Test
    void ourPluginMovesToTheFileThatSortsBeforeItsOwn() {
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("10-pods.conflist", LIST));
        ConfDirSnapshot overtaken =
                dir.after(edits(dir)).after(List.of(new FileEdit.Write("05-new.conflist", LIST, "05-new.conflist")));

        ConfDirSnapshot after = overtaken.after(edits(overtaken));

        assertThat(texts(after)).containsEntry("10-pods.conflist", LIST);
        assertThat(after.primary().orElseThrow().list().plugins().getLast().type())
                .isEqualTo("istio-cni");
    }

    @Test
    void aListWithNothingButOurPluginIsNoBaseCni() {
        ConfDirSnapshot dir = ConfDirSnapshot.of(
                DIR, Map.of("a.conflist", "{\"name\":\"a\",\"plugins\":[{\"type\":\"istio-cni\"}]}"));

        assertThat(ChainedConf.install(dir, SETTINGS)).isInstanceOf(InstallPlan.Wait.class);
        assertThat(ChainedConf.uninstall(dir, SETTINGS)).containsExactly(new FileEdit.Delete("a.conflist"));
    }

    @Test
    void aListThatCannotGetANameIsRefused() {
        ConfDirSnapshot dir = ConfDirSnapshot.of(
                DIR,
                Map.of(
                        "a.conf", "{\"name\":\"a\",\"type\":\"x\"}",
                        "a.conflist", LIST,
                        "a.conf.conflist", LIST));

        assertThat(ChainedConf.install(dir, SETTINGS))
                .isInstanceOfSatisfying(
                        InstallPlan.Refuse.class,
                        refusal -> assertThat(refusal.file()).isEqualTo("a.conf"));
    }

    @Test
    void anotherComponentsRewriteOfALiftedListLosesNoPlugin() {
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("a.conf", "{\"name\":\"a\",\"type\":\"x\"}\n"));
        dir = dir.after(edits(dir));
        String text = dir.primary().orElseThrow().list().text();
        ObjectNode grown = CniJson.lenientObject(text);
        grown.withArray("plugins").insertObject(1).put("type", "tuning");
        ConfDirSnapshot rewritten =
                dir.after(List.of(new FileEdit.Write("a.conflist", grown.toPrettyString(), "a.conflist")));

        ConfDirSnapshot after = rewritten.after(ChainedConf.uninstall(rewritten, SETTINGS));

        assertThat(after.primary().orElseThrow().list().plugins())
                .extracting(NetworkConfigList.Plugin::type)
                .containsExactly("x", "tuning");
    }

    @Test
    void anOriginalNameThatLeadsElsewhereIsNotFollowed() {
        ConfDirSnapshot dir = ConfDirSnapshot.of(DIR, Map.of("a.conflist", """
                {"name":"a","meshcni.dev/original":"../../passwd.conf","plugins":[{"type":"x"},{"type":"istio-cni"}]}
                """));

        assertThat(ChainedConf.uninstall(dir, SETTINGS))
                .extracting(FileEdit::name)
                .containsExactly("a.conflist");
    }

    private static List<FileEdit> edits(Map<String, String> files) {
        return edits(ConfDirSnapshot.of(DIR, files));
    }

    private static List<FileEdit> edits(ConfDirSnapshot dir) {
        assertThat(ChainedConf.install(dir, SETTINGS)).isInstanceOf(InstallPlan.Edits.class);
        return ((InstallPlan.Edits) ChainedConf.install(dir, SETTINGS)).edits();
    }

    private static String content(List<FileEdit> edits, String name) {
        return edits.stream()
                .filter(FileEdit.Write.class::isInstance)
                .map(FileEdit.Write.class::cast)
                .filter(write -> write.name().equals(name))
                .findFirst()
                .orElseThrow()
                .content();
    }

    private static Map<String, String> texts(ConfDirSnapshot dir) {
        Map<String, String> texts = new LinkedHashMap<>();
        dir.valid().forEach(file -> texts.put(file.name(), file.list().text()));
        return texts;
    }
}
