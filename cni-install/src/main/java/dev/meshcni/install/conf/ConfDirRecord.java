// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.files.AtomicFiles;
import dev.meshcni.files.FileMetadata;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration directories that our entry has been put in, by their paths on the host. The file lies beside the
 * versions of the plugin: it survives what they survive, and goes with them.
 *
 * <pre>
 * {"version": 1, "confDirs": ["/etc/cni/net.d"]}
 * </pre>
 */
public final class ConfDirRecord {
    /** The name of the file. */
    static final String NAME = "conf-dirs.json";

    private static final Logger LOG = LoggerFactory.getLogger(ConfDirRecord.class);
    private static final int VERSION = 1;
    private static final int LONGEST = 1 << 16;

    private final Path file;
    private final Path fileOnHost;
    private final AtomicFiles files;

    /**
     * What the file says.
     *
     * @param directories the directories, in the order in which they were put in
     * @param damage why it says nothing that can be used; then there may be more
     */
    record Content(List<Path> directories, Optional<String> damage) {
        private static final Content NONE = new Content(List.of(), Optional.empty());

        Content {
            directories = List.copyOf(directories);
        }

        private static Content damaged(String reason) {
            return new Content(List.of(), Optional.of(reason));
        }
    }

    /**
     * A record.
     *
     * @param directory the directory of the plugin's versions
     * @param directoryOnHost the same as the host sees it, for messages
     */
    public ConfDirRecord(Path directory, Path directoryOnHost, AtomicFiles files) {
        this.file = requireNonNull(directory, "directory is null").resolve(NAME);
        this.fileOnHost =
                requireNonNull(directoryOnHost, "directoryOnHost is null").resolve(NAME);
        this.files = requireNonNull(files, "files is null");
    }

    /** The file, as the host sees it. */
    Path fileOnHost() {
        return fileOnHost;
    }

    /**
     * What it says now.
     *
     * @throws IOException if it cannot be read; what it says is then not known, and must not be replaced
     */
    Content content() throws IOException {
        if (!Files.isDirectory(file.getParent(), LinkOption.NOFOLLOW_LINKS)) {
            return Content.NONE;
        }
        try {
            return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                            .isRegularFile()
                    ? read()
                    : Content.damaged("not a regular file");
        } catch (NoSuchFileException e) {
            return Content.NONE;
        }
    }

    private Content read() throws IOException {
        try (InputStream stream = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            return parse(stream.readNBytes(LONGEST + 1));
        } catch (CniException | InvalidPathException e) {
            return Content.damaged(String.valueOf(e.getMessage()));
        }
    }

    /** Adds a directory, unless it is in the record; takes the place of one that is damaged. */
    void add(Path onHost) throws IOException {
        Content content = content();
        if (content.directories().contains(onHost)) {
            return;
        }
        List<Path> more = new ArrayList<>(content.directories());
        more.add(onHost);
        write(more);
        content.damage()
                .ifPresent(reason -> LOG.warn(
                        "{} was damaged ({}) and is replaced: former configuration directories are unknown",
                        fileOnHost,
                        reason));
    }

    /** Forgets a directory. */
    void remove(Path onHost) throws IOException {
        List<Path> fewer = new ArrayList<>(content().directories());
        if (fewer.remove(onHost)) {
            write(fewer);
        }
    }

    /** Deletes the file. */
    public void delete() throws IOException {
        if (isInPlace() && !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
            files.delete(file);
        }
    }

    /** Whether it is there, and not where a link in place of the directory leads. */
    private boolean isInPlace() {
        return Files.isDirectory(file.getParent(), LinkOption.NOFOLLOW_LINKS)
                && Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }

    private void write(List<Path> directories) throws IOException {
        ObjectNode json = CniJson.newObject().put("version", VERSION);
        directories.forEach(directory -> json.withArray("confDirs").add(directory.toString()));
        files.replace(file, (CniJson.pretty(json) + '\n').getBytes(UTF_8), FileMetadata.ofMode("rw-------"));
    }

    private static Content parse(byte[] bytes) {
        if (bytes.length > LONGEST) {
            return Content.damaged("longer than " + LONGEST + " bytes");
        }
        ObjectNode json = CniJson.object(bytes);
        if (json.path("version").asInt() != VERSION) {
            return Content.damaged("version " + json.path("version") + " instead of " + VERSION);
        }
        List<Path> directories = new ArrayList<>();
        for (JsonNode directory : json.path("confDirs")) {
            Path path = Path.of(directory.asText());
            if (!path.isAbsolute()) {
                return Content.damaged(directory + " is not an absolute path");
            }
            directories.add(path);
        }
        return new Content(directories, Optional.empty());
    }
}
