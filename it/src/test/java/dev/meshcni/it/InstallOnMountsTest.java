// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The product's own programs on a node whose directories are mounts: symbolic links and bind mounts, file systems that
 * are full, or that nobody may write. They are mounted in a namespace of each test's own.
 */
@NeedsRoot("makes mount namespaces")
class InstallOnMountsTest {
    private static final String CONF = "10-ptp.conflist";
    private static final Duration COPYING = Duration.ofMinutes(2);

    @TempDir
    private Path root;

    private MountNamespace mounts;
    private Path confDir;
    private Path binDir;
    private Path runDirectory;
    private String original;

    /** How a directory of the node is the same as another one. */
    enum Way {
        SYMBOLIC_LINK {
            @Override
            void lead(Path from, Path to, MountNamespace mounts) throws IOException {
                Files.delete(from);
                Files.createSymbolicLink(from, to);
            }
        },
        BIND_MOUNT {
            @Override
            void lead(Path from, Path to, MountNamespace mounts) {
                mounts.bind(to, from);
            }
        };

        abstract void lead(Path from, Path to, MountNamespace mounts) throws IOException;
    }

    @BeforeEach
    void makeNode() throws IOException {
        MountNamespace.needed();
        Dist.needed();
        mounts = MountNamespace.create();
        confDir = Files.createDirectory(root.resolve("net.d"));
        binDir = Files.createDirectory(root.resolve("bin"));
        runDirectory = Files.createDirectory(root.resolve("run"));
        original = BaseChain.ptp(root.resolve("ipam"));
    }

    @AfterEach
    void dropNode() {
        if (mounts != null) {
            mounts.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void directoriesThatAreOthersAreInstalledIntoWhereTheyAre(Way way) throws IOException {
        Path realConf = Files.createDirectory(root.resolve("real-net.d"));
        Path realBin = Files.createDirectory(root.resolve("real-bin"));
        way.lead(confDir, realConf, mounts);
        way.lead(binDir, realBin, mounts);
        Files.writeString(realConf.resolve(CONF), original);

        assertThat(meshcni("install").exitCode()).isZero();

        assertThat(types(realConf)).containsExactly("ptp", "istio-cni");
        assertThat(mounts.command(binDir.resolve("istio-cni").toString())
                        .onlyEnvironment(Map.of("CNI_COMMAND", "VERSION"))
                        .run())
                .contains("supportedVersions");
        assertThat(meshcni("uninstall").exitCode()).isZero();
        assertThat(realConf.resolve(CONF)).hasContent(original);
        assertThat(namesIn(realConf)).containsExactly(CONF);
        assertThat(namesIn(realBin)).isEmpty();
        assertThat(Files.isSymbolicLink(confDir)).isEqualTo(way == Way.SYMBOLIC_LINK);
    }

    @Test
    void anEntryMovesToAnotherDirectory() throws IOException {
        Path other = Files.createDirectory(root.resolve("other-net.d"));
        Files.writeString(confDir.resolve(CONF), original);
        Files.writeString(other.resolve(CONF), original);
        assertThat(meshcni("install").exitCode()).isZero();

        assertThat(meshcni("install", other).exitCode()).isZero();

        assertThat(confDir.resolve(CONF)).hasContent(original);
        assertThat(isInstalled(other)).isTrue();
        assertThat(meshcni("uninstall", other).exitCode()).isZero();
        assertThat(other.resolve(CONF)).hasContent(original);
        assertThat(namesIn(binDir)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void anEntryStaysInADirectoryThatHasAnotherPath(Way way) throws IOException {
        Path other = Files.createDirectory(root.resolve("other-net.d"));
        way.lead(other, confDir, mounts);
        Files.writeString(confDir.resolve(CONF), original);
        assertThat(meshcni("install").exitCode()).isZero();

        assertThat(meshcni("install", other).exitCode()).isZero();

        assertThat(isInstalled(confDir)).isTrue();
        assertThat(meshcni("uninstall", other).exitCode()).isZero();
        assertThat(confDir.resolve(CONF)).hasContent(original);
        assertThat(namesIn(binDir)).isEmpty();
    }

    @Test
    void aPluginDirectoryThatNobodyMayWriteIsNamedWithTheRemedy() throws IOException {
        Files.writeString(confDir.resolve(CONF), original);
        mounts.bind(binDir, binDir);
        mounts.remount(binDir, "bind,ro");

        Command.Result refused = meshcni("install");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains("cannot install the plugin in " + binDir, "Read-only file system", "make it writable")
                .contains("--cni-bin-target-dir", "/home/kubernetes/bin");
        assertThat(namesIn(binDir)).isEmpty();
        assertThat(confDir.resolve(CONF)).hasContent(original);

        mounts.remount(binDir, "bind,rw");

        assertThat(meshcni("install").exitCode()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"size=256k", "size=300m,nr_inodes=4"})
    void aPluginDirectoryWithoutRoomHoldsNothingHalfWritten(String tooSmall) throws IOException {
        Files.writeString(confDir.resolve(CONF), original);
        mounts.mountMemory(binDir, tooSmall);
        Path bin = mounts.seenFromHere(binDir);

        Command.Result refused = meshcni("install");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains("cannot install the plugin in " + binDir, "No space left on device", "free space")
                .contains("--cni-bin-target-dir");
        assertThat(filesBelow(bin)).isEmpty();
        assertThat(confDir.resolve(CONF)).hasContent(original);

        mounts.remount(binDir, "size=300m,nr_inodes=2000");

        assertThat(meshcni("install").exitCode()).isZero();
        assertThat(Files.isSymbolicLink(bin.resolve("istio-cni"))).isTrue();
        assertThat(types(confDir)).endsWith("istio-cni");
    }

    @Test
    void aConfigurationDirectoryWithoutRoomKeepsWhatItHas() throws IOException {
        mounts.mountMemory(confDir, "size=64k");
        Path conf = mounts.seenFromHere(confDir);
        Files.writeString(conf.resolve(CONF), original);
        fill(conf);

        Command.Result refused = meshcni("install");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains("cannot change the CNI configuration in " + confDir, "No space left on device")
                .contains("free space", "--mounted-cni-net-dir")
                .doesNotContain("Exception");
        assertThat(conf.resolve(CONF)).hasContent(original);
        assertThat(namesIn(conf)).containsExactlyInAnyOrder(CONF, "filler");

        Files.delete(conf.resolve("filler"));
        assertThat(meshcni("install").exitCode()).isZero();
        String installed = Files.readString(conf.resolve(CONF));
        fill(conf);

        Command.Result notRemoved = meshcni("uninstall");

        assertThat(notRemoved.exitCode()).isEqualTo(1);
        assertThat(notRemoved.err()).contains(confDir.toString(), "free space");
        assertThat(conf.resolve(CONF)).hasContent(installed);
        assertThat(binDir.resolve("istio-cni")).as("which runtimes still call").exists();

        Files.delete(conf.resolve("filler"));
        assertThat(meshcni("uninstall").exitCode()).isZero();
        assertThat(conf.resolve(CONF)).hasContent(original);
        assertThat(namesIn(binDir)).isEmpty();
    }

    @Test
    void aConfigurationDirectoryThatNobodyMayWriteIsNamedWithTheRemedy() throws IOException {
        Files.writeString(confDir.resolve(CONF), original);
        mounts.bind(confDir, confDir);
        mounts.remount(confDir, "bind,ro");

        Command.Result refused = meshcni("install");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains("cannot change the CNI configuration in " + confDir, "Read-only file system")
                .contains("make it writable", "--mounted-cni-net-dir");
        assertThat(namesIn(confDir)).containsExactly(CONF);
    }

    @Test
    void aRunDirectoryWithoutRoomIsNamedWithTheRemedy() throws IOException {
        Files.writeString(confDir.resolve(CONF), original);
        mounts.mountMemory(runDirectory, "size=64k,nr_inodes=1,mode=0700");

        Command.Result refused = meshcni("install");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains("the run directory " + runDirectory, "No space left on device", "free space")
                .contains("--cni-agent-run-dir");
        assertThat(confDir.resolve(CONF)).hasContent(original);
    }

    @Test
    void aFileSystemThatHasNoSizeHasRoom() throws IOException {
        Files.writeString(confDir.resolve(CONF), original);
        mounts.command("mount", "-t", "ramfs", "ramfs", binDir.toString()).run();

        Command.Result installed = meshcni("install");

        assertThat(installed.exitCode()).as(installed.err()).isZero();
    }

    @Test
    void theDaemonInstallsByItselfWhenThereIsRoomAndFollowsAMountOverTheDirectory() throws Exception {
        mounts.mountMemory(confDir, "size=64k");
        Path conf = mounts.seenFromHere(confDir);
        Files.writeString(conf.resolve(CONF), original);
        fill(conf);
        try (Agent daemon = Agent.installing(mounts::commandLine, confDir, binDir, "--install-check-seconds", "1")) {
            Eventually.isTrue(
                    "the daemon says what is wrong", () -> daemon.logged().contains("No space left on device"));
            assertThat(daemon.logged()).contains(confDir.toString(), "free space");

            Files.delete(conf.resolve("filler"));

            Eventually.isTrue("installed when there is room", () -> isInstalled(conf));
            Path other = Files.createDirectory(root.resolve("other-net.d"));
            Files.writeString(other.resolve(CONF), original);

            mounts.bind(other, confDir);

            Eventually.isTrue("installed into what is mounted there now", () -> isInstalled(other));
        }
        assertThat(types(root.resolve("other-net.d"))).as("a restart leaves it").endsWith("istio-cni");
    }

    private Command.Result meshcni(String command) {
        return meshcni(command, confDir);
    }

    private Command.Result meshcni(String command, Path directory) {
        return mounts.command(
                        Dist.program("meshcni").toString(),
                        command,
                        "--mounted-cni-net-dir=" + directory,
                        "--cni-bin-target-dir=" + binDir,
                        "--cni-agent-run-dir=" + runDirectory)
                .within(COPYING)
                .result();
    }

    private static boolean isInstalled(Path directory) {
        return types(directory).equals(List.of("ptp", "istio-cni"));
    }

    private static List<String> types(Path directory) {
        return ConfDir.read(directory).primary().orElseThrow().list().plugins().stream()
                .map(NetworkConfigList.Plugin::type)
                .toList();
    }

    /** Takes all room that is left. */
    private static void fill(Path directory) throws IOException {
        Path filler = directory.resolve("filler");
        byte[] page = new byte[4096];
        try (var out = Files.newOutputStream(filler)) {
            while (Files.getFileStore(directory).getUsableSpace() > 0) {
                out.write(page);
            }
        }
    }

    private static List<String> namesIn(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(entry -> entry.getFileName().toString()).toList();
        }
    }

    private static List<Path> filesBelow(Path directory) throws IOException {
        try (Stream<Path> entries = Files.walk(directory)) {
            return entries.filter(entry -> !Files.isDirectory(entry)).toList();
        }
    }
}
