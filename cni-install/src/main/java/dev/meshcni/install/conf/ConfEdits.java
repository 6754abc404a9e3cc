// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.config.DaemonException;
import dev.meshcni.files.FileMetadata;
import dev.meshcni.files.SharedFiles;
import dev.meshcni.files.StaleFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Carries out the edits of a chain adapter, each atomically, and only on files that are still what the adapter saw:
 * between its look at the directory and our change the base CNI may have written something newer, which is not lost
 * ({@link SharedFiles}).
 */
final class ConfEdits {
    private final SharedFiles files;
    private final ConfLinks links;
    private final FileMetadata ownMetadata;
    private final String ownedName;

    /**
     * Edits.
     *
     * @param links where symbolic links in the directory lead
     * @param ownMetadata mode and owner of a file that is like no other
     * @param ownedName the file of our own, which is restored also if it cannot be parsed; empty if there is none
     */
    ConfEdits(SharedFiles files, ConfLinks links, FileMetadata ownMetadata, String ownedName) {
        this.files = requireNonNull(files, "files is null");
        this.links = requireNonNull(links, "links is null");
        this.ownMetadata = requireNonNull(ownMetadata, "ownMetadata is null");
        this.ownedName = requireNonNull(ownedName, "ownedName is null");
    }

    /**
     * Carries edits out.
     *
     * @param seen the directory that they were made for
     * @throws StaleFileException if it has changed; what was done until then is whole
     * @throws DaemonException if an edit is for a file that cannot be parsed
     */
    void apply(ConfDirSnapshot seen, List<FileEdit> edits) throws IOException {
        ConfDirSnapshot state = seen;
        for (FileEdit edit : edits) {
            Optional<ConfFile> before = state.file(edit.name());
            boolean broken = isBrokenCopy(before);
            if (!broken) {
                requireParsed(seen, before);
            }
            Path file = file(seen.dir(), edit.name());
            switch (edit) {
                case FileEdit.Write write ->
                    files.replace(
                            throughLinks(file),
                            broken ? Optional.of(Files.readAllBytes(file)) : bytes(before),
                            write.content().getBytes(UTF_8),
                            metadata(file(seen.dir(), write.like())));
                case FileEdit.Delete _ -> files.delete(file, bytes(before).orElseThrow());
            }
            state = state.after(List.of(edit));
        }
    }

    /**
     * The file of a name. Bytes of a name that are no UTF-8 are not in its text: then it is the one whose name reads
     * so.
     */
    private static Path file(Path dir, String name) throws IOException {
        if (name.indexOf('\uFFFD') >= 0) {
            try (Stream<Path> entries = Files.list(dir)) {
                List<Path> named = entries.filter(
                                entry -> entry.getFileName().toString().equals(name))
                        .toList();
                if (named.size() == 1) {
                    return named.getFirst();
                }
            }
        }
        return dir.resolve(name);
    }

    private boolean isBrokenCopy(Optional<ConfFile> file) {
        return file.filter(found ->
                        found instanceof ConfFile.Invalid && found.name().equals(ownedName))
                .isPresent();
    }

    private static void requireParsed(ConfDirSnapshot dir, Optional<ConfFile> file) {
        if (file.isPresent() && file.get() instanceof ConfFile.Invalid invalid) {
            throw new DaemonException(
                    dir.dir().resolve(invalid.name()) + " cannot be parsed and is not modified: " + invalid.reason());
        }
    }

    private static Optional<byte[]> bytes(Optional<ConfFile> file) {
        return file.flatMap(ConfFile::network).map(NetworkConfigList::text).map(text -> text.getBytes(UTF_8));
    }

    private Path throughLinks(Path file) throws IOException {
        return Files.isSymbolicLink(file) ? links.target(file) : file;
    }

    private FileMetadata metadata(Path like) throws IOException {
        try {
            return FileMetadata.of(throughLinks(like));
        } catch (NoSuchFileException e) {
            return ownMetadata;
        }
    }
}
