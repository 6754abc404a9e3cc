// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.FileMetadata;
import dev.meshcni.host.linux.ExtendedAttributes;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an installation does to the configuration directories that base CNIs write. */
class InstallerConfDirsTest {
    /** These hold our plugin before we come, so uninstalling leaves less than there was. */
    private static final Set<String> OURS_BEFORE = Set.of("ours-in-the-middle", "other-istio");

    @TempDir
    private Path root;

    static List<String> confDirs() throws IOException {
        return TestNode.filesIn(TestInstallers.confDirs()).stream()
                .filter(Files::isDirectory)
                .map(directory -> directory.getFileName().toString())
                .sorted()
                .toList();
    }

    static Stream<String> foreignConfDirs() throws IOException {
        return confDirs().stream().filter(name -> !OURS_BEFORE.contains(name));
    }

    /** Latin-1, say, from a time before UTF-8. */
    @Test
    void aFileWhoseNameIsNoUtf8IsChangedAndRestored() throws Exception {
        TestNode node = TestInstallers.node(root, "ptp");
        Path file = Path.of(URI.create(node.confDir().toUri() + "10-gr%F6%DFe.conflist"));
        Files.move(TestNode.filesIn(node.confDir()).getFirst(), file);
        byte[] before = Files.readAllBytes(file);

        Installer installer = TestInstallers.of(node);

        InstallState state = installer.round();

        assertThat(state).isInstanceOf(InstallState.Installed.class);
        assertThat(file).content().contains("istio-cni");
        installer.uninstall(Duration.ZERO);
        assertThat(file).hasBinaryContent(before);
        assertThat(TestNode.filesIn(node.confDir())).containsExactly(file);
    }

    @ParameterizedTest
    @MethodSource("confDirs")
    void ourPluginIsTheLastOneOfTheFirstListAndNowhereElse(String confDir) throws Exception {
        TestNode node = TestInstallers.node(root, confDir);
        List<NetworkConfigList.Plugin> before = foreignPlugins(primary(node));
        String adapter = TestInstallers.ADAPTERS
                .choose(ConfDir.read(node.confDir()), InstallSettings.chainedInto(TestInstallers.entry()))
                .orElseThrow()
                .adapter()
                .name();

        InstallState state = TestInstallers.of(node).round();

        assertThat(state).isInstanceOf(InstallState.Installed.class);
        NetworkConfigList primary = primary(node);
        assertThat(primary.single()).isFalse();
        assertThat(primary.plugins().getLast().json())
                .isEqualTo(TestInstallers.entry().put("chain_adapter", adapter));
        assertThat(primary.plugins().subList(0, primary.plugins().size() - 1)).isEqualTo(before);
        assertThat(ConfDir.read(node.confDir()).valid().stream()
                        .flatMap(file -> file.list().plugins().stream())
                        .filter(plugin -> plugin.type().equals("istio-cni")))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ptp", "calico"})
    void theEntryNamesTheAdapterOfTheBaseCni(String confDir) throws Exception {
        TestNode node = TestInstallers.node(root, confDir);

        TestInstallers.of(node).round();

        assertThat(primary(node)
                        .plugins()
                        .getLast()
                        .json()
                        .path("chain_adapter")
                        .asText())
                .isEqualTo(confDir);
    }

    @ParameterizedTest
    @MethodSource("confDirs")
    void aSecondInstallationTouchesNoFile(String confDir) throws Exception {
        TestNode node = TestInstallers.node(root, confDir);
        TestInstallers.of(node).round();
        Map<String, Object> identities = identities(node.confDir());

        assertThat(TestInstallers.of(node).installOnce()).isInstanceOf(InstallState.Installed.class);

        assertThat(identities(node.confDir())).isEqualTo(identities);
    }

    @ParameterizedTest
    @MethodSource("foreignConfDirs")
    void uninstallingRestoresEveryByte(String confDir) throws Exception {
        TestNode node = TestInstallers.node(root, confDir);
        Map<String, String> before = new HashMap<>(node.conf());
        before.keySet().removeIf(name -> name.startsWith(".meshcni-"));
        Installer installer = TestInstallers.of(node);
        installer.round();
        assertThat(node.conf()).isNotEqualTo(before);

        installer.uninstall(Duration.ZERO);

        assertThat(node.conf()).isEqualTo(before);
    }

    @ParameterizedTest
    @MethodSource("confDirs")
    void uninstallingLeavesNothingOfOurs(String confDir) throws Exception {
        TestNode node = TestInstallers.node(root, confDir);
        Installer installer = TestInstallers.of(node);
        installer.round();

        installer.uninstall(Duration.ZERO);

        assertThat(node.conf().values()).noneMatch(content -> content.contains("istio-cni"));
        assertThat(node.binDir()).isEmptyDirectory();
        assertThat(node.runDirectory()).doesNotExist();
    }

    @Test
    void modeAndOwnerOfTheBaseCnisFileStay() throws Exception {
        TestNode node = TestInstallers.node(root, "ptp");
        Path file = node.confDir().resolve("10-ptp.conflist");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r-x"));
        FileMetadata before = FileMetadata.of(file);
        Installer installer = TestInstallers.of(node);

        installer.round();
        assertThat(FileMetadata.of(file)).isEqualTo(before);

        installer.uninstall(Duration.ZERO);
        assertThat(FileMetadata.of(file)).isEqualTo(before);
    }

    @NeedsRoot("sets security attributes")
    @ParameterizedTest
    @ValueSource(strings = {"ptp", "lone-conf"})
    void extendedAttributesAndAccessControlListsOfTheBaseCnisFileStay(String confDir) throws Exception {
        TestNode node = TestInstallers.node(root, confDir);
        Path file = TestNode.filesIn(node.confDir()).getFirst();
        byte[] label = "system_u:object_r:net_conf_t:s0\0".getBytes(UTF_8);
        byte[] list = accessControlList(4711, 6);
        ExtendedAttributes.set(file, "security.selinux", label);
        ExtendedAttributes.set(file, "system.posix_acl_access", list);
        ExtendedAttributes.set(file, "user.owner", "base CNI".getBytes(UTF_8));
        ExtendedAttributes.set(node.confDir(), "system.posix_acl_default", accessControlList(4712, 7));
        FileMetadata before = FileMetadata.of(file);
        assertThat(before.attributes()).hasSize(3);
        Installer installer = TestInstallers.of(node);

        installer.round();

        Path installed = TestNode.filesIn(node.confDir()).getFirst();
        assertThat(installed).content().contains("istio-cni");
        assertThat(FileMetadata.of(installed)).isEqualTo(before);

        installer.uninstall(Duration.ZERO);
        assertThat(FileMetadata.of(file)).isEqualTo(before);
    }

    @Test
    void aFileWithoutAnAccessControlListGetsNoneFromItsDirectory() throws Exception {
        TestNode node = TestInstallers.node(root, "ptp");
        Path file = node.confDir().resolve("10-ptp.conflist");
        ExtendedAttributes.set(node.confDir(), "system.posix_acl_default", accessControlList(4712, 7));
        FileMetadata before = FileMetadata.of(file);

        TestInstallers.of(node).round();

        assertThat(file).content().contains("istio-cni");
        assertThat(FileMetadata.of(file)).isEqualTo(before);
        assertThat(before.attributes()).isEmpty();
    }

    @Test
    void aListThatWasMadeOfASinglePluginHasItsMode() throws Exception {
        TestNode node = TestInstallers.node(root, "lone-conf");
        Path conf = node.confDir().resolve("10-mynet.conf");
        Files.setPosixFilePermissions(conf, PosixFilePermissions.fromString("rw-r-----"));

        TestInstallers.of(node).round();

        assertThat(conf).doesNotExist();
        assertThat(FileMetadata.of(node.confDir().resolve("10-mynet.conflist")).mode())
                .isEqualTo(PosixFilePermissions.fromString("rw-r-----"));
    }

    @Test
    void anEmptyDirectoryIsWaitedFor() throws Exception {
        TestNode node = TestNode.in(root);
        Installer installer = TestInstallers.of(node);

        assertThat(installer.round().notReady())
                .hasValueSatisfying(reason ->
                        assertThat(reason).startsWith("waiting for the base CNI's configuration in " + node.confDir()));

        node.conf("10-late.conflist", Files.readString(TestInstallers.confDirs().resolve("ptp/10-ptp.conflist")));
        assertThat(installer.round().notReady()).isEmpty();
    }

    @Test
    void aNamedFileIsWaitedForThoughOthersAreThere() throws Exception {
        TestNode node = TestInstallers.node(root, "two-lists");
        Installer installer =
                TestInstallers.of(node, new InstallSettings(true, "15-mine.conf", TestInstallers.entry()));

        assertThat(installer.round()).isInstanceOf(InstallState.Waiting.class);

        Files.copy(
                TestInstallers.confDirs().resolve("ptp/10-ptp.conflist"),
                node.confDir().resolve("15-mine.conflist"));
        assertThat(installer.round())
                .isInstanceOfSatisfying(
                        InstallState.Installed.class,
                        installed -> assertThat(installed.file()).isEqualTo("15-mine.conflist"));
    }

    @Test
    void aFileThatCannotBeParsedIsNeverTouchedAndTheReasonHasThePosition() throws Exception {
        TestNode node = TestNode.in(root);
        node.conf("10-broken.conflist", "{\n  \"name\": \"x\",\n  \"plugins\": [ }\n");
        Map<String, Object> before = identities(node.confDir());
        Installer installer = TestInstallers.of(node);

        InstallState state = installer.round();
        installer.uninstall(Duration.ZERO);

        assertThat(state).isInstanceOfSatisfying(InstallState.Refused.class, refused -> {
            assertThat(refused.file()).isEqualTo("10-broken.conflist");
            assertThat(refused.reason()).contains("line 3").contains("column");
        });
        assertThat(identities(node.confDir())).isEqualTo(before);
    }

    @Test
    void theFileOfAnUnchainedPluginIsRootsAlone() throws Exception {
        TestNode node = TestInstallers.node(root, "ptp");
        Map<String, String> before = node.conf();
        Installer installer = TestInstallers.of(node, new InstallSettings(false, "", TestInstallers.entry(), true));

        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);

        Path file = node.confDir().resolve("YYY-istio-cni.conf");
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(ConfDir.read(node.confDir()).primary().orElseThrow().name()).isEqualTo("10-ptp.conflist");
        installer.uninstall(Duration.ZERO);
        assertThat(node.conf()).isEqualTo(before);
    }

    @Test
    void aFileBehindASymbolicLinkIsChangedWhereItIs() throws Exception {
        TestNode node = TestNode.in(root);
        Path elsewhere = Files.createDirectories(root.resolve("elsewhere"));
        Path target = elsewhere.resolve("net.conflist");
        Files.copy(TestInstallers.confDirs().resolve("ptp/10-ptp.conflist"), target);
        Path link = Files.createSymbolicLink(node.confDir().resolve("10-ptp.conflist"), target);

        Path leftByAKilledInstaller = Files.createFile(elsewhere.resolve(".meshcni-0a1b2c3d4e5f"));

        TestInstallers.of(node).round();

        assertThat(link).isSymbolicLink();
        assertThat(target).content().contains("istio-cni");
        assertThat(leftByAKilledInstaller).doesNotExist();
    }

    @Test
    void whatTheBaseCniWritesMeanwhileIsNotLost() throws Exception {
        TestNode node = TestInstallers.node(root, "ptp");
        Path file = node.confDir().resolve("10-ptp.conflist");
        String newer = Files.readString(file).replace("1460", "1400");
        Installer installer = TestInstallers.of(node, new MeddlingSteps(new DiskSteps(), file, newer));

        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(file).content().contains("1400").contains("istio-cni");
    }

    /** A list that gives one more user something, as acl(5) and the kernel's {@code posix_acl_xattr.h} have it. */
    private static byte[] accessControlList(int user, int permissions) {
        ByteBuffer list =
                ByteBuffer.allocate(4 + 5 * 8).order(ByteOrder.LITTLE_ENDIAN).putInt(2);
        entry(list, 0x01, 6, -1);
        entry(list, 0x02, permissions, user);
        entry(list, 0x04, 4, -1);
        entry(list, 0x10, 7, -1);
        entry(list, 0x20, 4, -1);
        return list.array();
    }

    private static void entry(ByteBuffer list, int tag, int permissions, int id) {
        list.putShort((short) tag).putShort((short) permissions).putInt(id);
    }

    private static NetworkConfigList primary(TestNode node) {
        return ConfDir.read(node.confDir()).primary().orElseThrow().list();
    }

    private static List<NetworkConfigList.Plugin> foreignPlugins(NetworkConfigList list) {
        return list.plugins().stream()
                .filter(plugin -> !plugin.type().equals("istio-cni"))
                .toList();
    }

    /** For each file what tells it from any other that had its name: content, inode and times. */
    private static Map<String, Object> identities(Path directory) throws IOException {
        Map<String, Object> identities = new HashMap<>();
        for (Path file : TestNode.filesIn(directory)) {
            identities.put(
                    file.getFileName().toString(),
                    List.of(
                            Files.readString(file),
                            Files.getAttribute(file, "unix:ino"),
                            Files.getAttribute(file, "unix:ctime")));
        }
        return identities;
    }
}
