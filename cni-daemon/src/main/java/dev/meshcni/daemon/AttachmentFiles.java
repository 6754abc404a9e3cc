// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.core.AttachmentStore;
import dev.meshcni.core.spi.NamespaceId;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.install.RunDirectory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what is redirected in a directory of the agent's run directory, a small file for each attachment, for root
 * alone. The files of an earlier start of the kernel are left out, as its network namespaces are gone.
 */
final class AttachmentFiles implements AttachmentStore {
    private static final Logger LOG = LoggerFactory.getLogger(AttachmentFiles.class);
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final String BOOT = "bootId";
    private static final String SUFFIX = ".json";
    private static final String FRESH_SUFFIX = ".new";

    /** No file of ours is longer, in bytes. */
    private static final int LONGEST_FILE = 16 * 1024;

    /** More than a node has pods, so that a directory filled with files costs no memory. */
    private static final int MOST_FILES = 10_000;

    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    private static final FileAttribute<Set<PosixFilePermission>> OWNERS_DIRECTORY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private static final Set<StandardOpenOption> CREATE =
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final MessageDigest SHA_256 = sha256();

    private final Path directory;
    private final String bootId;

    AttachmentFiles(Path directory, String bootId) {
        this.directory = requireNonNull(directory, "directory is null");
        this.bootId = requireNonNull(bootId, "bootId is null");
    }

    /**
     * Those of an agent.
     *
     * @param runDirectory the agent's run directory
     */
    static AttachmentFiles in(Path runDirectory) {
        String bootId;
        try {
            bootId = Files.readString(BOOT_ID).strip();
        } catch (IOException e) {
            LOG.debug("cannot read boot id: {}", e.toString());
            bootId = "";
        }
        return new AttachmentFiles(runDirectory.resolve(RunDirectory.ATTACHMENTS), bootId);
    }

    @Override
    public List<Stored> load() {
        List<Stored> found = new ArrayList<>();
        try {
            Files.createDirectories(directory, OWNERS_DIRECTORY);
        } catch (IOException e) {
            LOG.warn("cannot record redirected pods: {}", e.toString());
            return List.of();
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (found.size() == MOST_FILES) {
                    LOG.warn("{} contains more than {} files, ignoring the rest", directory, MOST_FILES);
                    break;
                }
                load(file, found);
            }
        } catch (IOException e) {
            LOG.warn("cannot read attachments of earlier agents from {}: {}", directory, e.toString());
        }
        return List.copyOf(found);
    }

    @Override
    public void save(Stored attachment) {
        Path file = file(attachment);
        Path fresh = file.resolveSibling(file.getFileName() + FRESH_SUFFIX);
        try {
            byte[] bytes = JSON.writeValueAsBytes(json(attachment));
            try {
                create(fresh, bytes);
            } catch (FileAlreadyExistsException | NoSuchFileException _) {
                // What an agent has left that ended here, or somebody has removed the directory.
                Files.createDirectories(directory, OWNERS_DIRECTORY);
                Files.deleteIfExists(fresh);
                create(fresh, bytes);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new RedirectException(
                    "cannot record the attachment in " + directory + ", which a later DEL needs: " + e, e);
        }
    }

    /** A file that was there, or a link, is none that this process has made. */
    private static void create(Path fresh, byte[] bytes) throws IOException {
        try (SeekableByteChannel file = Files.newByteChannel(fresh, CREATE, OWNER_ONLY)) {
            ByteBuffer rest = ByteBuffer.wrap(bytes);
            while (rest.hasRemaining()) {
                file.write(rest);
            }
        }
    }

    @Override
    public void delete(Stored attachment) {
        delete(file(attachment));
    }

    private void load(Path file, List<Stored> found) throws IOException {
        try {
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || Files.size(file) > LONGEST_FILE) {
                throw new IOException("not a regular file of at most " + LONGEST_FILE + " bytes");
            }
            JsonNode json = JSON.readTree(Files.readAllBytes(file));
            Stored attachment = attachment(json);
            if (!file.equals(file(attachment))) {
                throw new IOException("file name does not match the attachment");
            }
            if (bootId.equals(json.path(BOOT).asText())) {
                found.add(attachment);
            } else {
                delete(file);
            }
        } catch (JsonProcessingException e) {
            LOG.warn("{} is not a valid attachment record, removing it: {}", file, e.getOriginalMessage());
            delete(file);
        } catch (IOException e) {
            LOG.warn("{} is not a valid attachment record, removing it: {}", file, e.getMessage());
            delete(file);
        }
    }

    private ObjectNode json(Stored attachment) {
        NamespaceId namespace = attachment.namespace();
        return JSON.createObjectNode()
                .put(BOOT, bootId)
                .put("network", attachment.network())
                .put("containerId", attachment.containerId())
                .put("ifName", attachment.ifName())
                .put("pod", attachment.pod())
                .put("podUid", attachment.podUid())
                .put("netns", attachment.netns())
                .put("device", namespace.device())
                .put("inode", namespace.inode())
                .put("cookie", namespace.cookie());
    }

    /** Missing fields become empty; the file name then does not match. */
    private static Stored attachment(JsonNode json) {
        return new Stored(
                json.path("network").asText(),
                json.path("containerId").asText(),
                json.path("ifName").asText(),
                json.path("pod").asText(),
                json.path("podUid").asText(),
                json.path("netns").asText(),
                new NamespaceId(
                        json.path("device").asLong(),
                        json.path("inode").asLong(),
                        json.path("cookie").asLong()));
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("cannot remove {}: {}", file, e.toString());
        }
    }

    /** The names in an attachment may be longer than a file name. */
    private Path file(Stored attachment) {
        String key = attachment.network() + '\0' + attachment.containerId() + '\0' + attachment.ifName();
        return directory.resolve(
                HexFormat.of().formatHex(newDigest().digest(key.getBytes(StandardCharsets.UTF_8))) + SUFFIX);
    }

    /** A copy of one that was looked up, which takes a multiple of what it digests. */
    private static MessageDigest newDigest() {
        try {
            return (MessageDigest) SHA_256.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("SHA-256 cannot be copied", e);
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256 is not available", e);
        }
    }
}
