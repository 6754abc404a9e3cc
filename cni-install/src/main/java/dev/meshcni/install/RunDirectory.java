// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.core.AgentProtocol;
import dev.meshcni.core.AgentlessDecision;
import dev.meshcni.files.AtomicFiles;
import dev.meshcni.host.linux.RootPath;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent's run directory on the host: its socket, what plugins left for it, and the installers' agreement on who
 * installs.
 */
public final class RunDirectory {
    /** The directory below it in which agents record what they have redirected. */
    public static final String ATTACHMENTS = "attachments";

    /** The directory below it in which an agent that starts has a socket for a moment, which no plugin finds. */
    public static final String WARM_UP = "rehearsal";

    private static final Logger LOG = LoggerFactory.getLogger(RunDirectory.class);

    /** More than a node has pods. */
    private static final int MOST_RECORDS = 10_000;

    /** No record is longer, in bytes. */
    private static final int LONGEST_RECORD = 16 * 1024;

    private final Path directory;
    private final AtomicFiles files;

    RunDirectory(Path directory, AtomicFiles files) {
        this.directory = requireNonNull(directory, "directory is null");
        this.files = requireNonNull(files, "files is null");
    }

    /**
     * Removes what is ours, and the directory if nothing else is in it and it is no mount of our container.
     *
     * @throws IOException also if others than root decide on what is found there
     */
    void remove() throws IOException {
        try {
            RootPath.directory(directory);
        } catch (NoSuchFileException e) {
            return;
        }
        files.sweep(directory);
        for (Path file : ownFiles()) {
            files.delete(file);
        }
        for (String own : List.of(ATTACHMENTS, WARM_UP)) {
            Path tree = directory.resolve(own);
            if (Files.isDirectory(tree, LinkOption.NOFOLLOW_LINKS)) {
                files.deleteTree(tree);
            }
        }
        try {
            files.delete(directory);
        } catch (DirectoryNotEmptyException e) {
            LOG.warn("keeping {}: it contains files not installed by mesh-cni", directory);
        } catch (FileSystemException e) {
            LOG.debug("keeping empty directory {}: {}", directory, e.toString());
        }
    }

    /**
     * The pods, as {@code namespace/name}, that agents have recorded as attached to a network and that are not detached
     * yet; none where nothing can be read.
     */
    List<String> attachedTo(String network) {
        try {
            RootPath.directory(directory);
        } catch (IOException e) {
            return List.of();
        }
        try (Stream<Path> records = Files.list(directory.resolve(ATTACHMENTS))) {
            return records.limit(MOST_RECORDS)
                    .flatMap(record -> podAttachedTo(network, record).stream())
                    .distinct()
                    .sorted()
                    .toList();
        } catch (IOException e) {
            LOG.debug("cannot read attachments: {}", e.toString());
            return List.of();
        }
    }

    private static Optional<String> podAttachedTo(String network, Path record) {
        try {
            if (!Files.isRegularFile(record, LinkOption.NOFOLLOW_LINKS) || Files.size(record) > LONGEST_RECORD) {
                return Optional.empty();
            }
            JsonNode attachment = CniJson.object(Files.readAllBytes(record));
            return Optional.of(attachment.path("pod").asText())
                    .filter(_ -> attachment.path("network").asText().equals(network));
        } catch (IOException | CniException e) {
            LOG.debug("{} is not a valid attachment record: {}", record, e.toString());
            return Optional.empty();
        }
    }

    private List<Path> ownFiles() throws IOException {
        List<String> installer = InstallerLease.fileNames();
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(entry -> {
                        String name = entry.getFileName().toString();
                        return name.startsWith(AgentProtocol.SOCKET_NAME)
                                || name.startsWith(AgentlessDecision.FILE_NAME)
                                || installer.contains(name);
                    })
                    .toList();
        }
    }
}
