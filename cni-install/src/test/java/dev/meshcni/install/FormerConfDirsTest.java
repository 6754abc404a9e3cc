// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static dev.meshcni.install.MovingNode.FILE;
import static dev.meshcni.install.MovingNode.FIRST;
import static dev.meshcni.install.MovingNode.SECOND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.api.CniJson;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.DaemonException;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.testkit.PassedOnSteps;
import dev.meshcni.host.linux.HostRoot;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A node whose configuration directory is another one than before. */
class FormerConfDirsTest {
    private static final String COPY = "02-istio-cni.conflist";

    /** A list that calls our plugin in a place that is not ours to edit. */
    private static final String DELEGATING = """
        {"cniVersion": "1.0.0", "name": "multus", "type": "multus", "delegates": [{"type": "istio-cni"}]}
        """;

    @TempDir
    private Path root;

    private MovingNode node;
    private Map<String, String> firstBefore;
    private Map<String, String> secondBefore;

    @BeforeEach
    void makeNode() throws IOException {
        node = MovingNode.in(root.resolve("host"));
        firstBefore = node.conf(FIRST);
        secondBefore = node.conf(SECOND);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", COPY})
    void anEntryMovesWithTheSettingAndTheNodeIsAsBeforeInTheEnd(String ownedName) throws Exception {
        node.installer(FIRST, new DiskSteps(), ownedName).round();
        assertThat(node.conf(FIRST)).isNotEqualTo(firstBefore);
        Installer moved = node.installer(SECOND, new DiskSteps(), ownedName);

        assertThat(moved.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.conf(SECOND)).isNotEqualTo(secondBefore);
        assertThat(node.record()).content().contains(SECOND).doesNotContain(FIRST);
        assertThat(node.found).isEmpty();
        moved.uninstall(Duration.ZERO);
        assertThat(node.conf(SECOND)).isEqualTo(secondBefore);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void aCopyGoesAlsoIfTheOptionHasGone() throws Exception {
        node.installer(FIRST, new DiskSteps(), COPY).round();

        node.installer(SECOND).round();

        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
    }

    @Test
    void onTheHostItselfAnEntryMovesAsWell() throws Exception {
        Installer first = onHost(FIRST);
        first.round();
        assertThat(node.calls(FIRST)).isTrue();

        onHost(SECOND).round();

        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.calls(SECOND)).isTrue();
    }

    @Test
    void aDirectoryIsRecordedBeforeAnythingIsWrittenInIt() throws Exception {
        int[] steps = {0};
        PassedOnSteps checked = new PassedOnSteps(new DiskSteps()) {
            @Override
            public void before(String step, Path file) {
                if (file.startsWith(node.here(FIRST))) {
                    steps[0]++;
                    assertThat(node.record()).content().contains(FIRST);
                }
            }
        };

        assertThat(node.installer(FIRST, checked, "").round()).isInstanceOf(InstallState.Installed.class);

        assertThat(steps[0]).as("steps in the directory").isPositive();
    }

    @Test
    void anEntryThatWasNotRecordedIsRecordedWhereItIs() throws Exception {
        node.installer(FIRST).round();
        Files.delete(node.record());

        node.installer(FIRST).round();

        assertThat(node.record()).content().contains(FIRST);
    }

    @Test
    void aWrongDirectoryLeavesTheFormerEntryUntilTheUninstallation() throws Exception {
        node.installer(FIRST).round();
        Map<String, String> installed = node.conf(FIRST);
        Files.delete(node.here(SECOND).resolve(FILE));
        Installer wrong = node.installer(SECOND);

        assertThat(wrong.round()).isInstanceOf(InstallState.Waiting.class);

        assertThat(node.conf(FIRST)).isEqualTo(installed);
        assertThat(node.found).singleElement().satisfies(finding -> {
            assertThat(finding.what()).contains(FIRST + " still calls istio-cni: " + FILE);
            assertThat(finding.remedy()).contains(SECOND, "cniConfDir");
        });
        assertThat(wrong.findings()).containsAll(node.found);
        wrong.uninstall(Duration.ZERO);
        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void aPluginThatDoesNotWorkIsCalledFromNowhere() throws Exception {
        node.installer(FIRST).round();
        Files.delete(node.here(SECOND).resolve(FILE));
        node.breakPlugin();

        assertThat(node.installer(SECOND).round()).isInstanceOf(InstallState.Failed.class);

        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
    }

    @Test
    void oneThatIsOnlyBeingReplacedTouchesNothing() throws Exception {
        Installer old = node.installer(FIRST);
        old.round();
        Installer next = node.installer(SECOND);
        next.round();
        Map<String, String> installed = node.conf(SECOND);

        assertThat(old.round()).isInstanceOf(InstallState.Superseded.class);

        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.conf(SECOND)).isEqualTo(installed);
        assertThat(old.takeOver()).isInstanceOf(InstallState.Installed.class);
        assertThat(node.calls(FIRST)).isTrue();
        assertThat(node.conf(SECOND)).isEqualTo(secondBefore);
    }

    @Test
    void theCurrentDirectoryByAnotherPathIsNoFormerOne() throws Exception {
        node.installer(FIRST).round();
        Map<String, String> installed = node.conf(FIRST);
        Files.createSymbolicLink(node.here("/etc/other"), Path.of(FIRST));
        Path mounted = node.here(FIRST);

        Installer same = node.installer(mounted, Path.of("/etc/other"), host(), new DiskSteps(), "");
        assertThat(same.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.conf(FIRST)).isEqualTo(installed);
        assertThat(same.findings()).isEmpty();
        same.uninstall(Duration.ZERO);
        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void aFileThatTheCurrentDirectoryHasByALinkKeepsItsEntry() throws Exception {
        Files.delete(node.here(SECOND).resolve(FILE));
        Files.createSymbolicLink(
                node.here(SECOND).resolve(FILE), node.here(FIRST).resolve(FILE));
        onHost(FIRST).round();
        Installer current = onHost(SECOND);

        assertThat(current.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.calls(FIRST)).isTrue();
        current.uninstall(Duration.ZERO);
        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void aLinkOfAFormerDirectoryIntoTheCurrentOneIsLeftAlone() throws Exception {
        node.installer(FIRST).round();
        Files.delete(node.here(FIRST).resolve(FILE));
        Files.createSymbolicLink(node.here(FIRST).resolve(FILE), Path.of(SECOND, FILE));
        Installer current = node.installer(SECOND);

        assertThat(current.round()).isInstanceOf(InstallState.Installed.class);
        assertThat(current.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.calls(SECOND)).isTrue();
        assertThat(node.record()).content().doesNotContain(FIRST);
    }

    @Test
    void linksOnTheWayAreThoseOfTheHost() throws Exception {
        node.installer(FIRST).round();
        Files.move(node.here("/etc/cni"), node.here("/opt/cni-conf"));
        Files.createSymbolicLink(node.here("/etc/cni"), Path.of("/opt/cni-conf"));

        node.installer(SECOND).round();

        assertThat(node.conf("/opt/cni-conf/net.d")).isEqualTo(firstBefore);
        assertThat(node.record()).content().doesNotContain(FIRST);
    }

    @Test
    void aLinkWithinTheHostIsFollowed() throws Exception {
        node.directory("/etc/base");
        Files.delete(node.here(FIRST).resolve(FILE));
        Files.createSymbolicLink(node.here(FIRST).resolve(FILE), Path.of("../../base", FILE));
        node.installer(FIRST).round();
        assertThat(node.calls("/etc/base")).isTrue();

        node.installer(SECOND).round();

        assertThat(node.calls("/etc/base")).isFalse();
        assertThat(node.here(FIRST).resolve(FILE)).isSymbolicLink();
    }

    @Test
    void aLinkThatMeansAnotherFileHereIsNotFollowed() throws Exception {
        node.installer(FIRST).round();
        Path ours = Files.createDirectory(root.resolve("outside")).resolve(FILE);
        Path theirs = node.here(ours.toString());
        Files.createDirectories(theirs.getParent());
        Files.move(node.here(FIRST).resolve(FILE), theirs);
        Files.copy(theirs, ours);
        String content = Files.readString(ours);
        Files.createSymbolicLink(node.here(FIRST).resolve(FILE), ours);
        Installer current = node.installer(SECOND);

        assertThat(current.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(ours).hasContent(content);
        assertThat(theirs).hasContent(content);
        assertThatThrownBy(() -> current.uninstall(Duration.ZERO))
                .isInstanceOf(DaemonException.class)
                .hasMessageContainingAll(FIRST + "/" + FILE, "can be followed on the host only", "the plugin is kept");
        assertThat(node.link()).exists();
        assertThat(ours).hasContent(content);
    }

    @Test
    void whatCannotBeReachedStaysRecordedAndKeepsThePlugin() throws Exception {
        node.installer(FIRST).round();
        Path parent = node.here("/etc/cni");
        Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwxrwxrwx"));
        Installer current = node.installer(SECOND);

        assertThat(current.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.calls(FIRST)).isTrue();
        assertThat(node.record()).content().contains(FIRST);
        assertThat(node.found).singleElement().satisfies(finding -> {
            assertThat(finding.what()).contains(FIRST, "chmod go-w /etc/cni");
            assertThat(finding.remedy()).contains("SYS_PTRACE", node.record().toString());
        });
        assertThatThrownBy(() -> current.uninstall(Duration.ZERO))
                .isInstanceOf(DaemonException.class)
                .hasMessageContainingAll(FIRST, "chmod go-w /etc/cni", "the plugin is kept", "uninstall again");
        assertThat(node.link()).exists();
        assertThat(node.conf(SECOND)).isEqualTo(secondBefore);

        Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwxr-xr-x"));
        current.uninstall(Duration.ZERO);

        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void whereTheHostIsNotSeenNothingIsForgotten() throws Exception {
        node.installer(FIRST).round();
        HostRoot own = HostRoot.at(Files.createDirectory(root.resolve("container")));
        Installer current = node.installer(SECOND, own);

        assertThat(current.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.record()).content().contains(FIRST);
        assertThat(node.found)
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains(FIRST, "--cni-net-dir-on-host"));
    }

    @Test
    void aCallThatIsNotOursToEditKeepsThePlugin() throws Exception {
        node.installer(FIRST).round();
        Files.writeString(node.here(FIRST).resolve("00-multus.conf"), DELEGATING);
        Installer current = node.installer(SECOND);

        assertThat(current.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.calls(FIRST)).isFalse();
        assertThat(node.found)
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains(FIRST, "00-multus.conf (delegates[0]"));
        assertThatThrownBy(() -> current.uninstall(Duration.ZERO)).hasMessageContaining("00-multus.conf");
        assertThat(node.link()).exists();

        Files.delete(node.here(FIRST).resolve("00-multus.conf"));
        current.uninstall(Duration.ZERO);

        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void aDirectoryThatIsGoneMayComeBackAndHindersNothing() throws Exception {
        node.installer(FIRST).round();
        Path away = node.here("/etc/cni/unmounted");
        Files.move(node.here(FIRST), away);
        Installer current = node.installer(SECOND);

        current.round();

        assertThat(node.found).isEmpty();
        Files.move(away, node.here(FIRST));
        current.round();
        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        Files.move(node.here(FIRST), away);
        current.uninstall(Duration.ZERO);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void whoControlsTheCurrentDirectoryDoesNotMatter() throws Exception {
        node.installer(FIRST).round();
        Files.setPosixFilePermissions(node.here(SECOND), PosixFilePermissions.fromString("rwxrwxrwx"));

        node.installer(SECOND).round();

        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.found).isEmpty();
    }

    @Test
    void aLinkThatIsNoConfigurationMayLeadAnywhere() throws Exception {
        node.installer(FIRST).round();
        Path open = Files.createDirectories(node.here("/home/open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        Files.createDirectory(open.resolve("backup"));
        for (String directory : List.of(FIRST, SECOND)) {
            Files.createSymbolicLink(node.here(directory).resolve("backup"), Path.of("/home/open/backup"));
            Files.createSymbolicLink(node.here(directory).resolve("loop"), Path.of("loop"));
        }
        Installer current = node.installer(SECOND);

        current.round();

        assertThat(node.calls(FIRST)).isFalse();
        assertThat(node.found).isEmpty();
        current.uninstall(Duration.ZERO);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void whatFailsInTheSameWayIsTheSameFinding() throws Exception {
        node.installer(FIRST).round();
        Installer current = node.installer(SECOND, refusing(node.here(FIRST)), "");
        current.round();
        List<Finding> found = List.copyOf(node.found);

        current.round();

        assertThat(found)
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains(FIRST, "No space left on device"));
        assertThat(node.found).isEqualTo(found);
    }

    @Test
    void aRecordThatCannotBeChangedKeepsNothingFromBeingUninstalled() throws Exception {
        node.installer(FIRST).round();
        node.installer(SECOND).round();
        node.installer(FIRST).round();
        Path versions = node.record().getParent();
        Files.writeString(node.record(), "{\"version\": 1, \"confDirs\": [\"" + FIRST + "\", \"" + SECOND + "\"]}");
        Installer full = node.installer(SECOND, refusing(versions.resolve(".meshcni-")), "");

        full.round();
        assertThat(node.conf(FIRST)).isEqualTo(firstBefore);
        assertThat(node.found)
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("cannot remove " + FIRST + " from"));
        full.uninstall(Duration.ZERO);

        assertThat(node.conf(SECOND)).isEqualTo(secondBefore);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void whoInstallsBesideADaemonLeavesItsDirectoryAlone() throws Exception {
        Installer once = node.installer(FIRST);
        Installer daemon = node.installer(SECOND);
        daemon.round();

        assertThat(once.installOnce()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.calls(SECOND)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"version\": 2}", "{\"version\": 1, \"confDirs\": [\"etc\"]}", "\0"})
    void aDamagedRecordIsReplacedAndStopsNothing(String content) throws Exception {
        node.installer(FIRST).round();
        Files.writeString(node.record(), content);
        assertThat(node.installer(FIRST).findings())
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("conf-dirs.json is damaged"));

        assertThat(node.installer(FIRST).round()).isInstanceOf(InstallState.Installed.class);

        assertThat(CniJson.object(Files.readAllBytes(node.record())).toString())
                .isEqualTo("{\"version\":1,\"confDirs\":[\"" + FIRST + "\"]}");
        Files.writeString(node.record(), content);
        node.installer(FIRST).uninstall(Duration.ZERO);
        assertThat(node.plugins()).isEmpty();
    }

    @Test
    void aRecordThatCannotBeWrittenIsAFindingWhereTheEntryIsInPlace() throws Exception {
        node.installer(FIRST).round();
        Files.delete(node.record());
        Files.createDirectory(node.record());

        assertThat(node.installer(FIRST).round()).isInstanceOf(InstallState.Installed.class);

        assertThat(node.found)
                .singleElement()
                .satisfies(finding -> assertThat(finding.what()).contains("cannot record " + FIRST));
    }

    /** A disk that takes nothing new by a path that begins like this. */
    private static PassedOnSteps refusing(Path beginning) {
        return new PassedOnSteps(new DiskSteps()) {
            @Override
            public void before(String step, Path file) throws IOException {
                if (step.equals("write") && file.toString().startsWith(beginning.toString())) {
                    throw new FileSystemException(file.toString(), null, "No space left on device");
                }
            }
        };
    }

    private HostRoot host() {
        return HostRoot.at(root.resolve("host"));
    }

    private Installer onHost(String directory) throws IOException {
        Path path = node.here(directory);
        return node.installer(path, path, HostRoot.at(Path.of("/")), new DiskSteps(), "");
    }
}
