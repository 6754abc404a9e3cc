// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.testkit.PassedOnSteps;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written, kept and removed beside a copy of the base CNI's file, and from one way to the other. */
class OwnedConfDirectoryTest {
    private static final String COPY = "02-istio-cni.conflist";
    private static final String LIST = """
        {"cniVersion": "1.0.0", "name": "dbnet", "plugins": [{"type": "bridge", "bridge": "cni0"}]}
        """;
    private static final String SINGLE = """
        {"cniVersion": "0.3.1", "name": "dbnet", "type": "bridge", "bridge": "cni0", "mtu": 1450}
        """;

    @TempDir
    private Path root;

    static List<String> confDirs() throws IOException {
        return InstallerConfDirsTest.foreignConfDirs().toList();
    }

    @ParameterizedTest
    @MethodSource("confDirs")
    void noOtherFileChangesAndUninstallingRemovesTheCopy(String confDir) throws Exception {
        TestNode node = TestInstallers.node(root, confDir);
        Map<String, String> before = new HashMap<>(node.conf());
        before.keySet().removeIf(name -> name.startsWith(".meshcni-"));
        Installer installer = owned(node);

        InstallState state = installer.round();

        Map<String, String> others = new HashMap<>(node.conf());
        boolean copied = others.remove(COPY) != null;
        assertThat(copied).isEqualTo(state instanceof InstallState.Installed);
        assertThat(others).isEqualTo(before);
        installer.uninstall(Duration.ZERO);
        assertThat(node.conf()).isEqualTo(before);
    }

    @Test
    void anUninstallationWithoutTheOptionRemovesTheCopyAsWell() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        owned(node).round();

        TestInstallers.of(node).uninstall(Duration.ZERO);

        assertThat(node.conf()).containsExactly(Map.entry("10-base.conflist", LIST));
    }

    @Test
    void aRestartLeavesTheCopyAsItIs() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        owned(node).round();
        Object file =
                Files.readAttributes(node.confDir().resolve(COPY), "unix:ino").get("ino");

        Installer next = owned(node);
        next.claim();
        assertThat(next.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(Files.readAttributes(node.confDir().resolve(COPY), "unix:ino")
                        .get("ino"))
                .isEqualTo(file);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ptp", "lone-conf", "two-lists"})
    void fromOneWayToTheOtherTheFirstFileAlwaysHasOurPlugin(String confDir) throws Exception {
        TestNode node = TestInstallers.node(root, confDir);
        Map<String, String> before = new HashMap<>(node.conf());
        before.keySet().removeIf(name -> name.startsWith(".meshcni-"));
        TestInstallers.of(node).round();
        Map<String, String> chained = node.conf();
        CheckedSteps steps = new CheckedSteps(node);

        TestInstallers.copying(node, steps, COPY, InstallEvents.none()).installOnce();
        Map<String, String> owned = new HashMap<>(node.conf());
        assertThat(owned.remove(COPY)).isNotNull();
        assertThat(owned).as("the files of others").isEqualTo(before);
        TestInstallers.copying(node, steps, "01-mesh.conflist", InstallEvents.none())
                .installOnce();
        assertThat(node.conf()).containsKey("01-mesh.conflist").doesNotContainKey(COPY);
        TestInstallers.copying(node, steps, "", InstallEvents.none()).installOnce();

        assertThat(node.conf()).isEqualTo(chained);
        assertThat(steps.inConfDir).as("steps that were looked at").isGreaterThan(8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"00-base.conflist", COPY})
    void aCopyThatDoesNotSortFirstIsNotWritten(String base) throws Exception {
        TestNode node = node(base, LIST);

        InstallState state = owned(node).round();

        assertThat(state.notReady().orElseThrow()).contains("it does not sort before " + base, "to a name that does");
        assertThat(node.conf()).containsExactly(Map.entry(base, LIST));
    }

    @Test
    void aFileOfTheNameThatIsNoCopyIsKept() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        String other = "{\"cniVersion\": \"1.0.0\", \"name\": \"lo\", \"plugins\": [{\"type\": \"loopback\"}]}";
        node.conf(COPY, other);

        InstallState state = owned(node).round();

        assertThat(state.notReady().orElseThrow()).contains("is not a copy of 10-base.conflist");
        assertThat(node.conf()).containsEntry(COPY, other).containsEntry("10-base.conflist", LIST);
    }

    @Test
    void theCopyThatIstioMadeIsTakenOver() throws Exception {
        TestNode node = node("10-base.conf", SINGLE);
        node.conf(COPY, """
            {"cniVersion": "0.3.1", "name": "k8s-pod-network", "plugins": [{"type": "bridge", "mtu": 1400},
              {"type": "istio-cni", "name": "istio-cni", "ambient_enabled": true}]}
            """);

        assertThat(owned(node).round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.conf().get(COPY)).contains("1450", "copy_of").doesNotContain("1400", "ambient_enabled");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"cniVersion\": \"1.0.0\", \"name\": \"multus\", \"type\": \"multus-shim\"}",
                "{\"cniVersion\": \"1.0.0\", \"name\": \"multus\", \"type\": \"multus\", \"delegates\": []}"
            })
    void multusIsRefused(String multus) throws Exception {
        TestNode node = node("03-multus.conf", multus);
        node.conf("10-base.conflist", LIST);

        InstallState state = owned(node).round();

        assertThat(state).isInstanceOf(InstallState.Refused.class);
        assertThat(node.conf()).containsEntry("03-multus.conf", multus).doesNotContainKey(COPY);
    }

    @Test
    void aFileThatSortsBeforeTheCopyIsAFinding() throws Exception {
        TestNode node = node("10-base.conflist", LIST);
        node.conf("01-other.conflist", LIST.replace("dbnet", "other"));
        Installer installer = TestInstallers.of(
                node, new InstallSettings(true, "10-base.conflist", TestInstallers.entry(), false, COPY));

        installer.round();

        assertThat(installer.findings())
                .anySatisfy(finding -> assertThat(finding.remedy())
                        .isEqualTo("set istio-owned-cni-config-filename to a name that sorts before"
                                + " 01-other.conflist"));
    }

    private TestNode node(String file, String text) throws IOException {
        TestNode node = TestNode.in(root);
        node.conf(file, text);
        return node;
    }

    private static Installer owned(TestNode node) throws IOException {
        return TestInstallers.copying(node, new DiskSteps(), COPY, InstallEvents.none());
    }

    /** Before each step, which is after the one before it, a runtime looks at the directory. */
    private static final class CheckedSteps extends PassedOnSteps {
        private final TestNode node;
        private int inConfDir;

        CheckedSteps(TestNode node) {
            super(new DiskSteps());
            this.node = node;
        }

        @Override
        public void before(String step, Path file) {
            assertThat(ConfDir.read(node.confDir())
                            .primary()
                            .orElseThrow()
                            .list()
                            .plugins())
                    .as("before %s of %s", step, file)
                    .anyMatch(plugin -> plugin.type().equals("istio-cni"));
            if (file.startsWith(node.confDir())) {
                inConfDir++;
            }
        }
    }
}
