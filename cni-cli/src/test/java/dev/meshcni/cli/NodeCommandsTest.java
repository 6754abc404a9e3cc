// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code install}, {@code uninstall} and {@code doctor} on the directories of a node that the test makes. */
class NodeCommandsTest {
    /** The configuration of Multus with plugins of its default network. */
    private static final String MULTUS = """
            {"cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus", "delegates": [
              {"cniVersion": "0.3.1", "name": "pods", "plugins": [%s]}]}
            """;

    private static final String CONF = """
        {
          "cniVersion": "1.0.0",
          "name": "pods",
          "plugins": [
            {"type": "ptp", "ipam": {"type": "host-local", "subnet": "10.40.0.0/24"}}
          ]
        }
        """;

    @TempDir
    private Path root;

    @BeforeEach
    void makeNode() throws IOException {
        Files.createDirectories(root.resolve("net.d"));
        Files.createDirectories(root.resolve("bin"));
        Path program = root.resolve("source/bin/istio-cni");
        Files.createDirectories(program.getParent());
        Files.writeString(program, "#!/bin/sh\necho '{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"1.0.0\"]}'\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void aListWhosePluginsLieInADirectoryIsNoBrokenFile() throws Exception {
        Files.writeString(root.resolve("net.d/10-a.conflist"), "{\"cniVersion\":\"1.1.0\",\"name\":\"n\"}");
        Path plugins = Files.createDirectory(root.resolve("net.d/n"));
        Files.writeString(plugins.resolve("01-ptp.conf"), "{\"type\":\"ptp\",\"ipam\":{\"type\":\"host-local\"}}");

        assertThat(run("doctor").out())
                .contains("10-a.conflist: network n, plugins in n/: 01-ptp.conf")
                .contains("istio-cni cannot be chained behind them")
                .doesNotContain("cannot be loaded", "loads no network");
        Run install = run("install");
        assertThat(install.exitCode()).isEqualTo(1);
        assertThat(install.err()).contains("10-a.conflist").contains("its plugins are in the directory n");

        Files.delete(plugins.resolve("01-ptp.conf"));
        assertThat(run("doctor").out()).contains("10-a.conflist cannot be loaded: missing field plugins");
    }

    @Test
    void aCopyOfTheEntryInsideOfMultusIsNamedAndTakenOut() throws Exception {
        Path multus = Files.writeString(
                root.resolve("net.d/00-multus.conf"),
                MULTUS.formatted("{\"type\": \"ptp\"}, {\"name\": \"istio-cni\", \"type\": \"istio-cni\"}"));
        assertThat(run("doctor").out()).contains("istio-cni is also in 00-multus.conf at delegates[0].plugins[1]");

        assertThat(run("install").exitCode()).isZero();

        assertThat(Files.readString(root.resolve("net.d/00-multus.conflist")).replace(" ", ""))
                .containsOnlyOnce("\"type\":\"istio-cni\"");
        assertThat(run("uninstall", "--force").exitCode()).isZero();
        assertThat(multus).hasContent(MULTUS.formatted("{\"type\": \"ptp\"}"));
        assertThat(root.resolve("bin/istio-cni")).doesNotExist();
    }

    @Test
    void aNetworkInsideOfMultusThatIsOursAloneIsNamedAndKeepsThePlugin() throws Exception {
        Path multus = Files.writeString(
                root.resolve("net.d/00-multus.conf"),
                MULTUS.formatted(
                        "{\"type\": \"ptp\"}]}, {\"name\": \"istio-cni\", \"plugins\": [{\"type\": \"istio-cni\"}"));

        assertThat(run("doctor").out())
                .contains("istio-cni is also in 00-multus.conf at delegates[1].plugins[0], inside multus")
                .contains("the plugin is not installed: no pod can start");
        assertThat(run("install").exitCode()).isZero();

        Run uninstalled = run("uninstall", "--force");

        assertThat(uninstalled.exitCode()).isEqualTo(1);
        assertThat(uninstalled.err())
                .contains(
                        "00-multus.conf (delegates[1].plugins[0], inside multus) still calls istio-cni: the plugin is kept");
        assertThat(root.resolve("bin/istio-cni")).isExecutable();
        Files.delete(multus);
        assertThat(run("uninstall", "--force").exitCode()).isZero();
        assertThat(root.resolve("bin/istio-cni")).doesNotExist();
    }

    @Test
    void anEntryInAFileThatOnlyRuntimesReadKeepsThePlugin() throws Exception {
        Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);
        assertThat(run("install").exitCode()).isZero();
        Path latin1 = Files.writeString(
                root.resolve("net.d/20-latin.conflist"),
                CONF.replace("\"ptp\"", "\"istio-cni\", \"_\": \"\u00fc\""),
                StandardCharsets.ISO_8859_1);

        Run uninstalled = run("uninstall", "--force");

        assertThat(uninstalled.exitCode()).isEqualTo(1);
        assertThat(uninstalled.err())
                .contains(
                        "20-latin.conflist (which cannot be parsed here) still calls istio-cni", "move the file away");
        assertThat(root.resolve("bin/istio-cni")).isExecutable();
        Files.delete(latin1);
        assertThat(run("uninstall", "--force").exitCode()).isZero();
    }

    @Test
    void aFileOfItsOwnThatNothingWouldCallIsWrittenByForceOnly() throws Exception {
        Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);

        Run install = run("install", "--chained-cni-plugin=false");

        assertThat(install.exitCode()).isEqualTo(1);
        assertThat(install.err()).contains("nothing else would call YYY-istio-cni.conf");
        assertThat(root.resolve("net.d/YYY-istio-cni.conf")).doesNotExist();
        Run forced = run("install", "--chained-cni-plugin=false", "--force-unchained-conf");
        assertThat(forced.exitCode()).as(forced.err()).isZero();
        assertThat(root.resolve("net.d/YYY-istio-cni.conf")).exists();
    }

    @Test
    void aCopyThatIstioMadeOfTheBaseCnisFileIsNamed() throws Exception {
        Files.writeString(root.resolve("net.d/10-base.conflist"), """
            {"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "bridge", "mtu": 1450}]}\
            """);
        Files.writeString(root.resolve("net.d/02-istio-cni.conflist"), """
            {"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "bridge", "mtu": 1400}, {"type": "istio-cni"}]}\
            """);

        assertThat(run("doctor").out())
                .contains("02-istio-cni.conflist is a copy of 10-base.conflist")
                .contains("remove 02-istio-cni.conflist");
    }

    @Test
    void installSaysWhatCallsThePluginNow() throws Exception {
        Path conf = Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);

        Run run = run("install", "--exclude-namespaces=kube-system,istio-system");

        assertThat(run.exitCode()).isZero();

        assertThat(run.out()).startsWith("10-pods.conflist calls version ");
        assertThat(conf)
                .content()
                .contains("\"type\": \"istio-cni\"")
                .contains("[ \"kube-system\", \"istio-system\" ]", "\"cni_agent_run_dir\"");
        assertThat(root.resolve("bin/istio-cni")).isExecutable();
    }

    @Test
    void installSaysWhatKeepsPodsFromStartingAllTheSame() throws Exception {
        Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);
        Files.writeString(root.resolve("net.d/00-broken.conflist"), "{");

        Run run = run("install");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).startsWith("10-pods.conflist calls version ");
        assertThat(run.err())
                .startsWith("error: 00-broken.conflist cannot be loaded: ")
                .contains("containerd loads no network while this file exists")
                .contains("remedy: correct or remove 00-broken.conflist");
    }

    @Test
    void installWarnsOfWhatWillUndoIt() throws Exception {
        Files.writeString(root.resolve("net.d/05-cilium.conflist"), CONF.replace("ptp", "cilium-cni"));

        Run run = run("install");

        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).startsWith("warning: Cilium rewrites 05-cilium.conflist");
    }

    @Test
    void installWithoutABaseCniFailsWithWhatItWaitsFor() {
        Run run = run("install");

        assertThat(run.exitCode()).isEqualTo(1);

        assertThat(run.err()).contains("waiting for the base CNI's configuration in " + root.resolve("net.d"));
    }

    @Test
    void theReportIsForProgramsToo() throws Exception {
        Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);
        Files.writeString(root.resolve("net.d/05-broken.conflist"), "{}");

        Run run = run("doctor", "-o", "json");

        JsonNode report = new ObjectMapper().readTree(run.out());
        assertThat(report.path("ok").asBoolean()).isEqualTo(run.exitCode() == 0);
        assertThat(report.path("confDir").asText())
                .isEqualTo(root.resolve("net.d").toString());
        assertThat(report.path("configuration")).hasSize(2);
        assertThat(report.path("findings")).isNotEmpty().allSatisfy(finding -> {
            assertThat(finding.path("severity").asText()).isIn("info", "warning", "error");
            assertThat(finding.path("what").asText()).isNotEmpty();
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"install", "uninstall", "doctor"})
    void onAMachineWithoutTheDirectoryTheCommandSaysWhereItUsuallyIs(String command) throws Exception {
        Files.delete(root.resolve("net.d"));

        Run run = run(command);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("does not exist").contains("--mounted-cni-net-dir /etc/cni/net.d");
        assertThat(root.resolve("bin")).isEmptyDirectory();
    }

    @Test
    void uninstallTakesEverythingBack() throws Exception {
        Path conf = Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);
        run("install");

        Run run = run("uninstall");

        assertThat(run.exitCode()).isZero();

        assertThat(conf).hasContent(CONF);
        assertThat(root.resolve("bin/istio-cni")).doesNotExist();
        assertThat(root.resolve("run")).doesNotExist();
    }

    @Test
    void uninstallNamesThePodsThatMultusHasAttached() throws Exception {
        Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);
        run("install");
        Path records = Files.createDirectories(root.resolve("run/attachments"));
        Files.writeString(records.resolve("1.json"), "{\"network\": \"istio-cni\", \"pod\": \"shop/web\"}");
        Files.writeString(records.resolve("2.json"), "{\"network\": \"pods\", \"pod\": \"shop/chained\"}");
        Files.writeString(records.resolve("3.json"), "{");

        Run run = run("uninstall");

        assertThat(run.exitCode()).isZero();
        assertThat(run.err())
                .contains(
                        "pods attached to the network istio-cni, which has no plugin now: shop/web. Where Multus has");
        assertThat(root.resolve("run")).doesNotExist();
    }

    @Test
    void doctorSaysWhatItWouldDoAndDoesNothing() throws Exception {
        Path conf = Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);

        Run run = run("doctor");

        assertThat(run.exitCode()).isZero();

        assertThat(run.out())
                .contains("10-pods.conflist: network pods, ptp  <- network of pods")
                .contains("write 10-pods.conflist: network pods, ptp > istio-cni")
                .contains("install version ")
                .contains("istio-cni does not exist");
        assertThat(conf).hasContent(CONF);
        assertThat(root.resolve("bin")).isEmptyDirectory();
        assertThat(root.resolve("run")).doesNotExist();
    }

    @Test
    void doctorListsChainAdaptersAndWhyTheyAreUsedOrNot() throws Exception {
        Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);
        Path jars = Files.createDirectory(root.resolve("jars"));
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(jars.resolve("mine.jar")))) {
            jar.putNextEntry(new JarEntry("org/example/Mine.class"));
        }

        Run run = run("doctor", "--chain-adapter-dir=" + jars);

        assertThat(run.out())
                .contains("Chain adapters\n")
                .contains("  calico: declined, the first plugin is \"ptp\", not \"calico\"\n")
                .contains("  generic: detected, network \"pods\" of ptp; ptp takes precedence\n")
                .contains("  ptp: used, its first plugin is ptp\n")
                .contains("  mine.jar: provides no chain adapter\n")
                .contains("warning: " + jars.resolve("mine.jar") + " provides no chain adapter and has no effect");
    }

    @Test
    void doctorNamesTheFileAndThePositionOfWhatCannotBeRead() throws Exception {
        Files.writeString(root.resolve("net.d/10-pods.conflist"), "{\n  \"name\": oops\n}\n");

        Run run = run("doctor");

        assertThat(run.exitCode()).isEqualTo(1);

        assertThat(run.out()).contains("error: ").contains("10-pods.conflist").contains("line 2");
    }

    @Test
    void doctorSeesAConfigurationThatNobodyAnswersFor() throws Exception {
        Files.writeString(root.resolve("net.d/10-pods.conflist"), CONF);
        run("install");

        Run run = run("doctor");

        assertThat(run.exitCode()).isEqualTo(1);

        assertThat(run.out())
                .contains("no agent answers in " + root.resolve("run"))
                .contains("no changes");
    }

    @Test
    void anUnknownOptionIsAUsageError() {
        Run run = run("install", "--chained");

        assertThat(run.exitCode()).isEqualTo(2);
    }

    private Run run(String command, String... options) {
        List<String> arguments = new ArrayList<>(List.of(
                command,
                "--mounted-cni-net-dir=" + root.resolve("net.d"),
                "--cni-bin-target-dir=" + root.resolve("bin"),
                "--cni-agent-run-dir=" + root.resolve("run")));
        if (!command.equals("uninstall")) {
            arguments.add("--plugin-source-dir=" + root.resolve("source"));
        }
        arguments.addAll(List.of(options));
        return Run.meshcni(arguments.toArray(String[]::new));
    }
}
