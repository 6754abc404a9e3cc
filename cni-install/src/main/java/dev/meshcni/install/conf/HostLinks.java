// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.files.FileIdentity;
import dev.meshcni.host.linux.HostRoot;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The symbolic links in a directory of the host, which lead where they lead on the host.
 *
 * @param host the host
 * @param directory the directory's path on the host
 * @param ignored the names of those that lead to nothing, to a file that must stay as it is, or to one that does not
 *     call our plugin and is found on the host only
 */
record HostLinks(HostRoot host, Path directory, Set<String> ignored) implements ConfLinks {
    private static final Logger LOG = LoggerFactory.getLogger(HostLinks.class);

    HostLinks {
        ignored = Set.copyOf(ignored);
    }

    /**
     * Examines the links in a directory.
     *
     * @param here where this process finds the directory
     * @param kept directories whose files must stay as they are
     * @param callsUs whether a file calls our plugin
     * @throws IOException if one cannot be followed, and what it leads to on the host calls our plugin
     */
    static HostLinks in(HostRoot host, Path directory, Path here, Set<FileIdentity> kept, Predicate<Path> callsUs)
            throws IOException {
        Set<String> ignored = new HashSet<>();
        for (Path link : linksIn(here)) {
            String name = link.getFileName().toString();
            Optional<Path> target = trusted(host, directory, name);
            if (target.isEmpty() || kept.contains(parent(target.get()))) {
                ignored.add(name);
            } else if (!leadsTo(link, target.get())) {
                if (Files.isDirectory(target.get()) || callsUs.test(target.get())) {
                    throw new FileSystemException(
                            directory.resolve(name).toString(),
                            null,
                            "a symbolic link that can be followed on the host only");
                }
                ignored.add(name);
            }
        }
        return new HostLinks(host, directory, ignored);
    }

    /** The directories that the links in a directory lead to. */
    static Set<FileIdentity> directories(HostRoot host, Path directory, Path here) throws IOException {
        Set<FileIdentity> directories = new HashSet<>();
        for (Path link : linksIn(here)) {
            try {
                directories.add(parent(host.find(directory.resolve(link.getFileName()))));
            } catch (FileSystemException e) {
                // It leads to nothing, and so to no file that would have to stay.
                LOG.debug("{}: {}", link, e.toString());
            }
        }
        return directories;
    }

    @Override
    public Path target(Path link) throws IOException {
        return host.real(directory.resolve(link.getFileName()));
    }

    @Override
    public boolean count(String name) {
        return !ignored.contains(name);
    }

    private static List<Path> linksIn(Path directory) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, Files::isSymbolicLink)) {
            List<Path> links = new ArrayList<>();
            entries.forEach(links::add);
            return links;
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    /** What a link leads to; one that no runtime takes for a configuration may lead anywhere. */
    private static Optional<Path> trusted(HostRoot host, Path directory, String name) throws IOException {
        try {
            return Optional.of(host.real(directory.resolve(name)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (FileSystemException e) {
            if (ConfDir.isConfName(name)) {
                throw e;
            }
            return Optional.empty();
        }
    }

    /** Of a file without links on the way to it. */
    private static FileIdentity parent(Path real) throws IOException {
        return FileIdentity.of(real.resolveSibling(".")).orElseThrow(() -> new NoSuchFileException(real.toString()));
    }

    /** Whether the kernel, which follows an absolute link from our own root, comes to the same file. */
    private static boolean leadsTo(Path link, Path target) throws IOException {
        try {
            Object found = Files.readAttributes(link, BasicFileAttributes.class).fileKey();
            return FileIdentity.of(target).equals(Optional.of(new FileIdentity(found)));
        } catch (FileSystemException e) {
            return false;
        }
    }
}
