// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Paths on which somebody other than root has a say, at each place of the path. */
@NeedsRoot("gives files another owner")
class RootPathTest {
    private static final int SOMEBODY = 4711;

    @TempDir
    private Path root;

    @Test
    void aDirectoryOfRootsIsWhereItSeemsToBe() throws IOException {
        Path directory = directory("var/run/istio-cni");

        assertThat(RootPath.privateDirectory(directory)).isEqualTo(directory.toRealPath());
    }

    @Test
    void aLinkOfRootsIsFollowedAsVarRunIs() throws IOException {
        Path directory = directory("run/istio-cni");
        Files.createDirectory(root.resolve("var"));
        Files.createSymbolicLink(root.resolve("var/run"), Path.of("../run"));

        assertThat(RootPath.privateDirectory(root.resolve("var/run/istio-cni"))).isEqualTo(directory.toRealPath());
    }

    @Test
    void whatIsMissingBelowAStickyDirectoryIsMade() throws IOException {
        Path sticky = directory("tmp");
        Files.setAttribute(sticky, "unix:mode", 01777);

        Path made = RootPath.makePrivateDirectory(sticky.resolve("agent/run"));

        assertThat(made).isEqualTo(sticky.toRealPath().resolve("agent/run"));
        assertThat(RootPath.privateDirectory(made)).isEqualTo(made);
        assertThatThrownBy(() -> RootPath.makePrivateDirectory(sticky)).hasMessageContaining("users other than root");
    }

    @ParameterizedTest
    @ValueSource(strings = {"var", "var/run", "var/run/istio-cni"})
    void aComponentThatBelongsToSomebodyElseIsRefused(String component) throws IOException {
        Path directory = directory("var/run/istio-cni");
        own(root.resolve(component));

        assertThatThrownBy(() -> RootPath.directory(directory))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining(root.resolve(component).toRealPath().toString())
                .hasMessageContaining("user " + SOMEBODY)
                .hasMessageContaining("chown root");
    }

    @ParameterizedTest
    @ValueSource(strings = {"var", "var/run", "var/run/istio-cni"})
    void aComponentIntoWhichOthersCanWriteIsRefused(String component) throws IOException {
        Path directory = directory("var/run/istio-cni");
        mode(root.resolve(component), "rwxrwx---");

        assertThatThrownBy(() -> RootPath.directory(directory))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining(
                        root.resolve(component).toRealPath() + ": it is writable by users other than root");
    }

    @Test
    void aStickyDirectoryMayBeOnTheWayAndNotAtItsEnd() throws IOException {
        Path directory = directory("tmp/istio-cni");
        Files.setAttribute(root.resolve("tmp"), "unix:mode", 01777);

        assertThat(RootPath.directory(directory)).isEqualTo(directory.toRealPath());
        assertThatThrownBy(() -> RootPath.directory(root.resolve("tmp"))).isInstanceOf(FileSystemException.class);
    }

    @Test
    void aLinkOfSomebodyElseIsRefusedWhereverItLeads() throws IOException {
        directory("run/istio-cni");
        Path link = Files.createSymbolicLink(root.resolve("var"), root.resolve("run"));
        Files.setAttribute(link, "unix:uid", SOMEBODY, LinkOption.NOFOLLOW_LINKS);

        assertThatThrownBy(() -> RootPath.directory(root.resolve("var/istio-cni")))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("user " + SOMEBODY);
    }

    @Test
    void whatALinkOfRootsLeadsThroughCounts() throws IOException {
        directory("theirs/istio-cni");
        own(root.resolve("theirs"));
        Files.createSymbolicLink(root.resolve("run"), root.resolve("theirs/istio-cni"));

        assertThatThrownBy(() -> RootPath.directory(root.resolve("run")))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("theirs");
    }

    @Test
    void aDirectoryThatOthersMayReadIsNotPrivate() throws IOException {
        Path directory = directory("run");
        mode(directory, "rwxr-xr-x");

        assertThat(RootPath.directory(directory)).isEqualTo(directory.toRealPath());
        assertThatThrownBy(() -> RootPath.privateDirectory(directory)).hasMessageContaining("not 0700");
    }

    @Test
    void linksInACircleEnd() throws IOException {
        Files.createSymbolicLink(root.resolve("a"), root.resolve("b"));
        Files.createSymbolicLink(root.resolve("b"), root.resolve("a"));

        assertThatThrownBy(() -> RootPath.directory(root.resolve("a")))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("too many symbolic links");
    }

    @Test
    void whatIsMissingOrNoDirectoryIsNamed() throws IOException {
        Files.createFile(root.resolve("file"));

        assertThatThrownBy(() -> RootPath.directory(root.resolve("missing"))).isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> RootPath.directory(root.resolve("file"))).isInstanceOf(NotDirectoryException.class);
    }

    @Test
    void whatIsMissingIsMadeAndOnlyTheEndIsClosedToReaders() throws IOException {
        Path made = RootPath.makePrivateDirectory(root.resolve("var/run/istio-cni"));

        assertThat(made).isEqualTo(root.toRealPath().resolve("var/run/istio-cni"));
        assertThat(Files.getPosixFilePermissions(made)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
        assertThat(Files.getPosixFilePermissions(made.getParent()))
                .isEqualTo(PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void aDirectoryThatTheKubeletMadeIsClosedToReaders() throws IOException {
        Path directory = directory("run");
        mode(directory, "rwxr-xr-x");

        RootPath.makePrivateDirectory(directory);

        assertThat(Files.getPosixFilePermissions(directory)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void nothingIsMadeOrChangedWhereSomebodyElseDecides() throws IOException {
        Path theirs = directory("theirs");
        own(theirs);
        Path link = Files.createSymbolicLink(root.resolve("link"), theirs);
        Path open = directory("open");
        mode(open, "rwxrwxrwx");

        for (Path path : List.of(theirs, theirs.resolve("run"), link, link.resolve("run"), open, open.resolve("run"))) {
            assertThatThrownBy(() -> RootPath.makePrivateDirectory(path)).isInstanceOf(FileSystemException.class);
        }

        assertThat(theirs).isEmptyDirectory();
        assertThat(open).isEmptyDirectory();
        assertThat(Files.getPosixFilePermissions(open)).isEqualTo(PosixFilePermissions.fromString("rwxrwxrwx"));
    }

    @Test
    void aLinkToNowhereIsNotADirectoryToMake() throws IOException {
        Path nowhere = root.resolve("nowhere");
        Path link = Files.createSymbolicLink(root.resolve("link"), nowhere);

        assertThatThrownBy(() -> RootPath.makePrivateDirectory(link)).isInstanceOf(NoSuchFileException.class);
        assertThat(nowhere).doesNotExist();
    }

    private Path directory(String path) throws IOException {
        Path directory = Files.createDirectories(root.resolve(path));
        mode(directory, "rwx------");
        return directory;
    }

    private static void mode(Path path, String mode) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }

    private static void own(Path path) throws IOException {
        Files.setAttribute(path, "unix:uid", SOMEBODY);
    }
}
