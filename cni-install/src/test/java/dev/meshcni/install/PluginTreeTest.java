// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.FileSteps;
import dev.meshcni.files.testkit.PassedOnSteps;
import dev.meshcni.host.linux.HostProgram;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The plugin's versions, against a directory of processes that the test makes. */
class PluginTreeTest {
    @TempDir
    private Path root;

    private TestNode node;

    @BeforeEach
    void makeNode() throws IOException {
        node = TestNode.in(root);
    }

    @Test
    void runtimesFindTheProgramThroughARelativeLink() throws Exception {
        assertThat(tree().ensure()).isTrue();

        Path target = Files.readSymbolicLink(node.link());
        assertThat(target).isRelative();
        assertThat(target.toString()).matches("\\.mesh-cni/1\\.0-[0-9a-f]{12}/bin/istio-cni");
        assertThat(node.link()).isExecutable().hasContent(TestNode.script("first"));
    }

    @Test
    void copiesKeepTheTimesByWhichAChangeIsFound() throws Exception {
        tree().ensure();

        Path copy = installed("bin/istio-cni");
        assertThat(Files.getLastModifiedTime(copy))
                .isEqualTo(Files.getLastModifiedTime(node.source().resolve("bin/istio-cni")));
    }

    @Test
    void nobodyButTheOwnerMayWriteToWhatRootRuns() throws Exception {
        Files.setPosixFilePermissions(
                node.source().resolve("bin/istio-cni"), PosixFilePermissions.fromString("rwxrwxrwx"));

        tree().ensure();

        assertThat(Files.getPosixFilePermissions(installed("bin/istio-cni")))
                .isEqualTo(PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void aWholeVersionIsLeftAlone() throws Exception {
        tree().ensure();
        Object inode = Files.getAttribute(node.link().toRealPath(), "unix:ino");

        assertThat(tree().ensure()).isFalse();

        assertThat(Files.getAttribute(node.link().toRealPath(), "unix:ino")).isEqualTo(inode);
    }

    @Test
    void aTruncatedFileIsReplacedByAnotherCopyBesideIt() throws Exception {
        PluginTree tree = tree();
        tree.ensure();
        Path damaged = installed("bin/istio-cni");
        Files.write(damaged, new byte[0]);

        assertThat(tree.ensure()).isTrue();

        assertThat(installed("bin/istio-cni")).isNotEqualTo(damaged);
        assertThat(damaged).exists();
        assertThat(installed("bin/istio-cni"))
                .hasSameBinaryContentAs(node.source().resolve("bin/istio-cni"));
    }

    @Test
    void aChangedByteIsFoundAtTheNextStart() throws Exception {
        tree().ensure();
        Path file = installed("bin/istio-cni");
        var time = Files.getLastModifiedTime(file);
        Files.write(file, new byte[] {70}, StandardOpenOption.WRITE);
        Files.setLastModifiedTime(file, time);

        assertThat(tree().ensure()).isTrue();
    }

    @Test
    void aProgramThatCannotBeStartedIsDamaged() throws Exception {
        PluginTree tree = tree();
        tree.ensure();
        Files.setPosixFilePermissions(node.link(), PosixFilePermissions.fromString("rw-r--r--"));

        assertThat(tree.ensure()).isTrue();
        assertThat(node.link()).isExecutable();
    }

    @Test
    void anotherPluginOfTheNameIsReplaced() throws Exception {
        Files.writeString(node.link(), "the plugin of somebody else");

        tree().ensure();

        assertThat(node.link()).isSymbolicLink();
    }

    @Test
    void aLinkInPlaceOfTheDirectoryOfVersionsIsNeitherFilledNorCleared() throws Exception {
        Path elsewhere = Files.createDirectories(root.resolve("elsewhere"));
        Path theirs = Files.createDirectories(elsewhere.resolve("1.0-0123456789ab/bin"));
        Files.writeString(theirs.resolve("istio-cni"), "theirs");
        Files.writeString(elsewhere.resolve(".meshcni-0a"), "theirs");
        Files.createSymbolicLink(node.binDir().resolve(".mesh-cni"), elsewhere);
        Map<String, String> before = TestNode.contents(root);

        assertThatThrownBy(tree()::ensure)
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining(node.binDir().resolve(".mesh-cni") + ": not a directory");
        assertThatThrownBy(tree()::removeUnused).isInstanceOf(FileSystemException.class);
        tree().uninstall(Duration.ZERO);

        assertThat(TestNode.contents(root)).isEqualTo(before);
    }

    @Test
    void whatIsNoVersionOfOursStaysInTheDirectoryOfVersions() throws Exception {
        tree().ensure();
        Path versions = node.binDir().resolve(".mesh-cni");
        Path elsewhere = Files.createDirectories(root.resolve("elsewhere/bin"));
        Files.writeString(elsewhere.resolve("istio-cni"), "theirs");
        Files.createSymbolicLink(versions.resolve("1.0-0123456789ab"), elsewhere.getParent());
        Files.createDirectories(versions.resolve("1.0-0123456789ac"));
        Files.createDirectories(versions.resolve("data/bin"));
        Files.writeString(versions.resolve("data/bin/istio-cni"), "theirs");

        tree().removeUnused();
        tree().uninstall(Duration.ZERO);

        assertThat(TestNode.filesIn(versions))
                .extracting(path -> path.getFileName().toString())
                .containsExactlyInAnyOrder("1.0-0123456789ab", "1.0-0123456789ac", "data");
        assertThat(elsewhere.resolve("istio-cni")).hasContent("theirs");
    }

    @Test
    void anOldVersionStaysWhileAProcessRunsFromIt() throws Exception {
        tree().ensure();
        Path old = node.link().toRealPath();
        Path exe = process("17", installed("bin/istio-cni"));
        node.release("second");
        PluginTree tree = tree();
        tree.ensure();

        tree.removeUnused();
        assertThat(old).exists();

        Files.delete(exe);
        tree.removeUnused();
        assertThat(old).doesNotExist();
        assertThat(node.link()).exists().content().contains("second");
    }

    @Test
    void aScriptOfAnEarlierVersionThatIsOpenCounts() throws Exception {
        tree().ensure();
        Path old = node.link().toRealPath();
        Files.createDirectories(node.proc().resolve("17/fd"));
        Files.createSymbolicLink(node.proc().resolve("17/fd/10"), old);
        node.release("second");
        PluginTree tree = tree();
        tree.ensure();

        tree.removeUnused();

        assertThat(old).exists();
    }

    /** What a node has on which the plugin was the launcher of a JVM. */
    @Test
    void theTreeOfAnEarlierReleaseIsReplacedAndRemoved() throws Exception {
        Path old = node.binDir().resolve(".mesh-cni/0.1.0-0123456789ab");
        for (String file : new String[] {"bin/istio-cni", "runtime/bin/java", "runtime/lib/modules"}) {
            Files.createDirectories(old.resolve(file).getParent());
            Files.writeString(old.resolve(file), file);
        }
        Files.createSymbolicLink(node.link(), Path.of(".mesh-cni/0.1.0-0123456789ab/bin/istio-cni"));
        Path exe = process("17", old.resolve("runtime/bin/java"));
        PluginTree tree = tree();

        assertThat(tree.ensure()).isTrue();
        tree.removeUnused();
        assertThat(old).exists();

        Files.delete(exe);
        tree.removeUnused();
        assertThat(old).doesNotExist();
        assertThat(node.link()).isExecutable().hasContent(TestNode.script("first"));
    }

    /**
     * An earlier release that is installed again knows a version by these signs, and removes it once nothing runs from
     * it.
     */
    @Test
    void anEarlierReleaseKnowsTheVersionForOneOfItsOwn() throws Exception {
        tree().ensure();

        Path target = Files.readSymbolicLink(node.link());
        assertThat(target.getNameCount()).isEqualTo(4);
        assertThat(target.toString()).matches("\\.mesh-cni/.+-\\p{XDigit}{12}/bin/istio-cni");
        try (Stream<Path> versions = Files.list(node.binDir().resolve(".mesh-cni"))) {
            assertThat(versions)
                    .containsExactly(node.binDir().resolve(target).getParent().getParent());
        }
    }

    @Test
    void goingBackToAVersionThatIsStillThereCopiesNothing() throws Exception {
        tree().ensure();
        Path first = node.link().toRealPath();
        node.release("second");
        tree().ensure();
        node.release("first");

        tree().ensure();

        assertThat(node.link().toRealPath()).isEqualTo(first);
    }

    @Test
    void uninstallingLeavesNothingOfASingleFileThatAProcessRunsFrom() throws Exception {
        PluginTree tree = tree();
        tree.ensure();
        process("17", installed("bin/istio-cni"));

        tree.uninstall(Duration.ZERO);

        assertThat(node.binDir()).isEmptyDirectory();
    }

    @Test
    void uninstallingLeavesTheTreeOfAnEarlierReleaseThatAProcessRunsFrom() throws Exception {
        Path old = node.binDir().resolve(".mesh-cni/0.1.0-0123456789ab");
        Path java = Files.createDirectories(old.resolve("runtime/bin")).resolve("java");
        Path exe = process("17", Files.writeString(java, "java"));

        tree().uninstall(Duration.ZERO);
        assertThat(java).exists();

        Files.delete(exe);
        tree().uninstall(Duration.ZERO);
        assertThat(node.binDir()).isEmptyDirectory();
    }

    @Test
    void uninstallingWhereNotAllProcessesAreSeenLeavesNothingOfASingleFile() throws Exception {
        tree().ensure();

        tree(node.source(), RunningPlugins.partlyIn(node.proc())).uninstall(Duration.ofSeconds(10));

        assertThat(node.binDir()).isEmptyDirectory();
    }

    @Test
    void uninstallingWhereNotAllProcessesAreSeenLeavesTheTreeOfAnEarlierRelease() throws Exception {
        Path old = node.binDir().resolve(".mesh-cni/0.1.0-0123456789ab");
        Files.createDirectories(old.resolve("runtime"));

        tree(node.source(), RunningPlugins.partlyIn(node.proc())).uninstall(Duration.ofSeconds(10));

        assertThat(old).exists();
    }

    @Test
    void uninstallingLeavesAPluginThatIsNotOurs() throws Exception {
        Files.writeString(node.link(), "the plugin of somebody else");

        tree().uninstall(Duration.ZERO);

        assertThat(node.link()).hasContent("the plugin of somebody else");
    }

    @Test
    void aReadOnlyDirectoryIsExplainedWithTheDirectoriesOfPlatforms() throws Exception {
        FileSteps readOnly = new PassedOnSteps(new DiskSteps()) {
            @Override
            public void before(String step, Path file) throws IOException {
                throw new FileSystemException(file.toString(), null, "Read-only file system");
            }
        };

        InstallState state = TestInstallers.of(node, readOnly).installOnce();

        assertThat(state.notReady())
                .hasValueSatisfying(reason -> assertThat(reason)
                        .contains("cannot install the plugin in " + node.binDir())
                        .contains("Read-only file system")
                        .contains("--cni-bin-target-dir")
                        .contains("/home/kubernetes/bin")
                        .contains("/var/lib/cni/bin"));
    }

    @Test
    void aFullDiskLeavesNothingHalfDone() throws Exception {
        FileSteps full = new PassedOnSteps(new DiskSteps()) {
            @Override
            public void before(String step, Path file) throws IOException {
                if (step.equals("copy") && file.endsWith("bin/istio-cni")) {
                    throw new FileSystemException(file.toString(), null, "No space left on device");
                }
            }
        };

        InstallState state = TestInstallers.of(node, full).installOnce();

        assertThat(state.notReady())
                .hasValueSatisfying(reason -> assertThat(reason).contains("free space"));
        assertThat(TestNode.contents(node.binDir())).isEmpty();
    }

    @Test
    void aSourceThatIsNoPluginIsNamed() {
        Path nothing = root.resolve("nothing");

        assertThatThrownBy(() -> tree(nothing).ensure())
                .isInstanceOf(IOException.class)
                .hasMessageContaining(nothing.toString());
    }

    private Path installed(String file) throws IOException {
        return node.link().toRealPath().getParent().getParent().resolve(file);
    }

    private Path process(String pid, Path executable) throws IOException {
        Path directory = Files.createDirectories(node.proc().resolve(pid));
        return Files.createSymbolicLink(directory.resolve("exe"), executable);
    }

    private PluginTree tree() throws IOException {
        return tree(node.source());
    }

    private PluginTree tree(Path source) throws IOException {
        return tree(source, RunningPlugins.in(node.proc()));
    }

    private PluginTree tree(Path source, RunningPlugins running) throws IOException {
        return new PluginTree(
                source,
                node.binDir(),
                "1.0",
                new DiskSteps(),
                running,
                new PluginTrial(HostProgram.inOwnMounts(), node.binDir(), node.binDir(), System::nanoTime),
                System::nanoTime);
    }
}
