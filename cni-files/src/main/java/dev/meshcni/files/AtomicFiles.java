// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Changes of files of which a reader sees all or nothing: what is new is made beside the old under a name that nobody
 * reads, and renamed over it.
 */
public final class AtomicFiles {
    /** The prefix of temporary files; their suffix keeps container runtimes from reading them as configuration. */
    private static final String FRESH = ".meshcni-";

    private static final int RANDOM_BYTES = 6;

    private final FileSteps steps;
    private final SecureRandom random = new SecureRandom();

    public AtomicFiles(FileSteps steps) {
        this.steps = requireNonNull(steps, "steps is null");
    }

    /** Whether a file has a name that is made up for each change anew, and means nothing to anybody. */
    public static boolean isTemporary(Path file) {
        Path name = file.getFileName();
        return name != null && name.toString().startsWith(FRESH);
    }

    /** Puts a file in place of what is there, if anything. */
    public void replace(Path file, byte[] content, FileMetadata metadata) throws IOException {
        Path fresh = fresh(file.getParent());
        try {
            steps.write(fresh, content);
            steps.setMetadata(fresh, metadata);
            steps.sync(fresh);
            steps.rename(fresh, file);
        } catch (IOException e) {
            discard(fresh, e);
            throw e;
        }
        steps.sync(file.getParent());
    }

    /** Puts a symbolic link in place of what is there, if anything. */
    public void replaceLink(Path link, Path target) throws IOException {
        Path fresh = fresh(link.getParent());
        try {
            steps.link(fresh, target);
            steps.rename(fresh, link);
        } catch (IOException e) {
            discard(fresh, e);
            throw e;
        }
        steps.sync(link.getParent());
    }

    /** Deletes a file or a link. */
    public void delete(Path file) throws IOException {
        steps.delete(file);
        steps.sync(file.getParent());
    }

    /** Deletes a directory recursively, after renaming it, so that no process finds half of it. */
    public void deleteTree(Path directory) throws IOException {
        Path nameless = fresh(directory.getParent());
        steps.rename(directory, nameless);
        discardTree(nameless);
    }

    /** A name in a directory for what is not finished yet. */
    public Path fresh(Path directory) {
        byte[] bytes = new byte[RANDOM_BYTES];
        random.nextBytes(bytes);
        return directory.resolve(FRESH + HexFormat.of().formatHex(bytes));
    }

    /** Removes from a directory what a process that was killed had not finished. */
    public void sweep(Path directory) throws IOException {
        for (Path leftover : leftovers(directory)) {
            discardTree(leftover);
        }
    }

    /** The leftovers of such a process in a directory. */
    static List<Path> leftovers(Path directory) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, FRESH + "*")) {
            List<Path> leftovers = new ArrayList<>();
            entries.forEach(leftovers::add);
            return leftovers;
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    private void discardTree(Path path) throws IOException {
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            steps.deleteTree(path);
        } else {
            steps.delete(path);
        }
    }

    /** Removes what is not finished and cannot be, because of a failure. */
    void discard(Path fresh, IOException cause) {
        try {
            steps.delete(fresh);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }
}
