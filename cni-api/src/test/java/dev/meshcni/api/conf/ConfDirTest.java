// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfDirTest {
    private static final String LIST = "{\"name\":\"list\",\"plugins\":[{\"type\":\"ptp\"}]}";
    private static final String SINGLE = "{\"name\":\"single\",\"type\":\"bridge\"}";

    @TempDir
    private Path dir;

    @Test
    void filesAreSortedByTheBytesOfTheirNames() throws IOException {
        write("b.conf", SINGLE);
        write("10-x.conflist", LIST);
        write("Z.json", SINGLE);
        write("10-x.conf", SINGLE);
        write("9.conf", SINGLE);

        assertThat(ConfDir.read(dir).files())
                .extracting(ConfFile::name)
                .containsExactly("10-x.conf", "10-x.conflist", "9.conf", "Z.json", "b.conf");
    }

    @Test
    void theFirstValidFileIsPrimaryAndInvalidOnesAreReported() throws IOException {
        write("00-broken.conflist", "{\n]");
        write("05-list.conf", LIST);
        write("10-good.conflist", LIST);

        ConfDirSnapshot snapshot = ConfDir.read(dir);

        assertThat(snapshot.primary().orElseThrow().name()).isEqualTo("10-good.conflist");
        assertThat(snapshot.invalid())
                .extracting(ConfFile.Invalid::name)
                .containsExactly("00-broken.conflist", "05-list.conf");
        assertThat(snapshot.invalid().getFirst().reason()).contains("line 2, column 1");
        assertThat(snapshot.invalid().getLast().reason()).contains(".conflist");
    }

    @Test
    void otherFilesAndDirectoriesAreNamedAndNotRead() throws IOException {
        write("10-x.conflist.bak", "garbage");
        write("kubeconfig", "garbage");
        Files.createDirectory(dir.resolve("sub.conf"));

        ConfDirSnapshot snapshot = ConfDir.read(dir);

        assertThat(snapshot.files()).isEmpty();
        assertThat(snapshot.others()).containsExactlyInAnyOrder("10-x.conflist.bak", "kubeconfig", "sub.conf");
    }

    @Test
    void symbolicLinksAreFollowed() throws IOException {
        write("real", LIST);
        Files.createSymbolicLink(dir.resolve("10-link.conflist"), dir.resolve("real"));
        Files.createSymbolicLink(dir.resolve("20-dangling.conflist"), dir.resolve("nowhere"));

        ConfDirSnapshot snapshot = ConfDir.read(dir);

        assertThat(snapshot.primary().orElseThrow().name()).isEqualTo("10-link.conflist");
        assertThat(snapshot.invalid())
                .containsExactly(new ConfFile.Invalid("20-dangling.conflist", "a symbolic link to nothing"));
    }

    @Test
    void aFileThatContainerdWouldNotReadIsInvalid() throws IOException {
        Files.write(dir.resolve("10-long.conf"), new byte[ConfDir.MAX_FILE_SIZE + 1]);
        Files.write(dir.resolve("20-latin1.conf"), new byte[] {'{', (byte) 0xe4, '}'});

        assertThat(ConfDir.read(dir).invalid())
                .extracting(ConfFile.Invalid::reason)
                .satisfiesExactly(
                        reason -> assertThat(reason).contains("longer than"),
                        reason -> assertThat(reason).contains("not UTF-8"));
    }

    @Test
    void whatIsNoRegularFileIsNotRead() throws Exception {
        Process mkfifo =
                new ProcessBuilder("mkfifo", dir.resolve("10-pipe.conf").toString()).start();
        assertThat(mkfifo.waitFor()).isZero();

        assertThat(ConfDir.read(dir).files())
                .containsExactly(new ConfFile.Invalid("10-pipe.conf", "not a regular file"));
    }

    @Test
    void pluginsInADirectoryNamedLikeTheNetworkAreSeen() throws IOException {
        write("10-list.conflist", LIST);
        write("list/20-b.conf", "{\"type\":\"b\"}");
        write("list/10-a.conf", "{\"type\":\"a\"}");
        write("other/10-a.conf", "{\"type\":\"a\"}");

        assertThat(ConfDir.read(dir).networkDirs())
                .containsOnlyKeys("list")
                .extractingByKey("list")
                .isEqualTo(List.of("10-a.conf", "20-b.conf"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'{\"name\": \"n\"}'                                                       | divided",
                "'{\"name\": \"n\", \"loadOnlyInlinedPlugins\": \"False\"}'                | divided",
                "'{\"name\": \"n\", \"loadOnlyInlinedPlugins\": \"TRUE\"}'                 | invalid",
                "'{\"name\": \"n\", \"loadOnlyInlinedPlugins\": 1}'                        | invalid",
                "'{\"name\": \"n\", \"plugins\": []}'                                      | invalid",
                "'{\"name\": \"n\", \"plugins\": null}'                                    | invalid",
                "'{\"name\": \"other\"}'                                                   | invalid",
                "'{\"name\": \"n\", \"plugins\": [{\"type\": \"a\"}]}'                     | valid",
                "'{\"name\": \"n\", \"cniVersion\": \"x\", \"plugins\": [{\"type\": \"a\"}]}'| valid",
                "'{\"name\": \"n\", \"cniVersion\": \"x\", \"cniVersions\": [\"1.0.0\"], \"plugins\": [{\"type\": \"a\"}]}'| invalid"
            })
    void aListIsLoadedByTheRulesOfLibcni(String list, String kind) throws IOException {
        write("10-n.conflist", list);
        write("n/10-a.conf", "{\"type\": \"a\"}");

        assertThat(ConfDir.read(dir).files())
                .extracting(file -> file.getClass().getSimpleName().toLowerCase(Locale.ROOT))
                .containsExactly(kind);
    }

    @Test
    void aListIsNotLoadedWithoutAllOfItsPlugins() throws IOException {
        write("10-list.conflist", LIST);
        write("20-single.conf", "{\"name\": \"list\", \"type\": \"a\"}");
        write("list/10-a.conf", "{\"type\": \"a\"}");
        write("list/20-b.conf", "{}");
        Files.createDirectory(dir.resolve("list/30-directory.conf"));

        assertThat(ConfDir.read(dir).invalid())
                .containsExactly(
                        new ConfFile.Invalid("10-list.conflist", "its plugin list/20-b.conf: missing field type"));
    }

    @Test
    void aDirectoryThatDoesNotExistIsEmpty() {
        ConfDirSnapshot snapshot = ConfDir.read(dir.resolve("absent"));

        assertThat(snapshot.files()).isEmpty();
        assertThat(snapshot.primary()).isEmpty();
    }

    @Test
    void aFileInsteadOfADirectoryIsAnError() throws IOException {
        write("file", "");

        assertThatThrownBy(() -> ConfDir.read(dir.resolve("file")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("file");
    }

    private void write(String name, String content) throws IOException {
        Files.createDirectories(dir.resolve(name).getParent());
        Files.writeString(dir.resolve(name), content, UTF_8);
    }
}
