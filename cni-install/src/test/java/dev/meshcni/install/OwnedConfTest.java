// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static dev.meshcni.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A copy of the base CNI's list with our plugin, in a file of our own. */
class OwnedConfTest {
    private static final String COPY = "02-istio-cni.conflist";
    private static final String LIST = """
        {
          "cniVersion": "0.4.0",
          "name": "dbnet",
          "plugins": [
            {
              "type": "bridge",
              "bridge": "cni0",
              "args": {"labels": {"appVersion": "1.0"}},
              "ipam": {"type": "host-local", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"},
              "dns": {"nameservers": ["10.1.0.1"]}
            },
            {"type": "tuning", "sysctl": {"net.core.somaxconn": "500"}}
          ]
        }
        """;
    private static final String SINGLE = """
        {"cniVersion": "0.3.1", "name": "dbnet", "type": "bridge", "bridge": "cni0", "mtu": 1450}
        """;

    @TempDir
    private Path root;

    private final List<InstallEvents.Part> rewritten = new ArrayList<>();

    @Test
    void aCopyHasAllOfTheListAndOurEntryBehindIt() throws Exception {
        TestNode node = node("10-base.conflist", LIST);

        assertThat(owned(node).round()).isEqualTo(new InstallState.Installed("generic", COPY, version(node)));

        ObjectNode expected = CniJson.lenientObject(LIST);
        ((ArrayNode) expected.get("plugins")).add(entry("generic", "10-base.conflist"));
        assertThat((JsonNode) CniJson.lenientObject(node.conf().get(COPY))).isEqualTo(expected);
        assertThat(node.conf()).containsEntry("10-base.conflist", LIST).hasSize(2);
    }

    @Test
    void aSinglePluginIsCopiedIntoAListOfTheSameNetwork() throws Exception {
        TestNode node = node("10-base.conf", SINGLE);

        assertThat(owned(node).round()).isInstanceOf(InstallState.Installed.class);

        ObjectNode expected = CniJson.newObject().put("cniVersion", "0.3.1").put("name", "dbnet");
        expected.putArray("plugins").add(CniJson.lenientObject(SINGLE)).add(entry("generic", "10-base.conf"));
        assertThat((JsonNode) CniJson.lenientObject(node.conf().get(COPY))).isEqualTo(expected);
        assertThat(node.conf()).containsEntry("10-base.conf", SINGLE).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"gateway\": \"10.1.0.1\" | \"gateway\": \"10.1.0.254\"",
                "\"type\": \"tuning\"      | \"type\": \"bandwidth\"",
                "\"cniVersion\": \"0.4.0\" | \"cniVersion\": \"1.0.0\""
            })
    void eachChangeOfTheBaseCniIsInTheCopyAtOnce(String old, String changed) throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        Installer installer = owned(node);
        installer.round();
        for (String text : List.of(LIST.replace(old, changed), LIST, LIST.replace(old, changed))) {
            node.conf("10-base.conflist", text);

            assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);

            assertThat(foreignPart(node)).isEqualTo(CniJson.lenientObject(text));
            assertThat(node.conf()).containsEntry("10-base.conflist", text);
        }
        assertThat(rewritten).as("changes that are not taken for a fight").isEmpty();
    }

    @Test
    void theDirectoryIsWatched() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        Installer installer = owned(node);
        try (InstallReconciler _ = InstallReconciler.start(installer, () -> false)) {
            eventually("installed", () -> installer.state() instanceof InstallState.Installed);

            node.conf("10-base.conflist", LIST.replace("cni0", "cni1"));

            eventually("the change is in the copy", () -> node.conf().get(COPY).contains("cni1"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gone", "without our entry", "another bridge", "empty", "cut off", "broken"})
    void aCopyThatIsChangedIsRestored(String change) throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        Installer installer = owned(node);
        installer.round();
        Map<String, String> installed = node.conf();
        switch (change) {
            case "gone" -> Files.delete(node.confDir().resolve(COPY));
            case "without our entry" -> node.conf(COPY, LIST);
            case "empty" -> node.conf(COPY, "");
            case "cut off" -> node.conf(COPY, installed.get(COPY).substring(0, 200));
            case "broken" -> node.conf(COPY, installed.get(COPY).replace("]", ""));
            default -> node.conf(COPY, installed.get(COPY).replace("cni0", "cni9"));
        }

        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.conf()).isEqualTo(installed);
        assertThat(rewritten).containsExactly(InstallEvents.Part.CONF);
    }

    @Test
    void anEntryThatAnotherInstallerPutsIntoTheBaseCnisFileIsRemovedAsInAFight() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        Installer installer = owned(node);
        installer.round();
        node.conf("10-base.conflist", LIST.replace("\n  ]", ",\n    {\"type\": \"istio-cni\"}\n  ]"));

        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.conf()).containsEntry("10-base.conflist", LIST);
        assertThat(rewritten).containsExactly(InstallEvents.Part.CONF);
    }

    @Test
    void aCopyDoesNotOutliveTheFileOfTheBaseCni() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        Installer installer = owned(node);
        installer.round();
        Files.delete(node.confDir().resolve("10-base.conflist"));

        assertThat(installer.round()).isInstanceOf(InstallState.Waiting.class);
        assertThat(node.conf()).isEmpty();

        node.conf("10-base.conflist", LIST);
        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);
        assertThat(node.conf()).containsKey(COPY);
    }

    @Test
    void aCopyStaysWhileTheFileOfTheBaseCniCannotBeParsed() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        Installer installer = owned(node);
        installer.round();
        String copy = node.conf().get(COPY);
        node.conf("10-base.conflist", LIST.substring(0, 100));

        assertThat(installer.round()).isInstanceOf(InstallState.Refused.class);

        assertThat(node.conf()).containsEntry(COPY, copy);
    }

    @Test
    void anotherBaseCniThatSortsBetweenIsCopiedInstead() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        Installer installer = owned(node);
        installer.round();
        node.conf("05-other.conf", SINGLE);

        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.conf().get(COPY)).contains("1450").doesNotContain("tuning");
    }

    @Test
    void aCopyIsNoFindingUnlessItIsStale() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        Installer installer = owned(node);
        installer.round();

        assertThat(installer.findings()).isEmpty();
        assertThat(TestInstallers.of(node).findings()).isEmpty();
        node.conf("10-base.conflist", LIST.replace("cni0", "cni1"));
        assertThat(installer.findings())
                .extracting(Finding::what)
                .containsExactly(COPY + " is a copy of an earlier 10-base.conflist: pods do not use what has changed"
                        + " there");
        Files.delete(node.confDir().resolve("10-base.conflist"));
        assertThat(installer.findings())
                .extracting(Finding::what)
                .containsExactly(COPY + " is a copy of 10-base.conflist, which does not exist any more");
    }

    private TestNode node(String file, String text) throws IOException {
        TestNode node = TestNode.in(root);
        node.conf(file, text);
        return node;
    }

    private Installer owned(TestNode node) throws IOException {
        InstallEvents events = new InstallEvents() {
            @Override
            public void attempted(Result result) {}

            @Override
            public void rewritten(Part part) {
                rewritten.add(part);
            }

            @Override
            public void ready(boolean ready) {}
        };
        return TestInstallers.copying(node, new DiskSteps(), COPY, events);
    }

    private static String version(TestNode node) throws IOException {
        return TestInstallers.of(node).plugin().version();
    }

    private static ObjectNode entry(String adapter, String source) {
        return TestInstallers.entry().put("chain_adapter", adapter).put("copy_of", source);
    }

    private static ObjectNode foreignPart(TestNode node) throws Exception {
        ObjectNode copy = CniJson.lenientObject(node.conf().get(COPY));
        ArrayNode plugins = (ArrayNode) copy.get("plugins");
        plugins.remove(plugins.size() - 1);
        return copy;
    }
}
