// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniEnvironment;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.NetworkConfigList;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads a configuration directory the way container runtimes do: files that end in {@code .conf}, {@code .conflist} or
 * {@code .json}, sorted by the bytes of their names; the first valid one is the network of pods.
 *
 * <p>CRI-O skips a file that is invalid and takes the next. containerd (go-cni) loads nothing at all while a file that
 * it comes to is invalid; by default it comes to one file only ({@code max_conf_num}). So an invalid file before the
 * first valid one is worth a warning wherever this is used.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class ConfDir {
    /** The maximum size of a configuration file that containerd reads, in bytes. */
    public static final int MAX_FILE_SIZE = 2 << 20;

    private ConfDir() {}

    /**
     * Reads a directory. One that does not exist has no files; a file that vanishes or cannot be read is invalid.
     *
     * @throws UncheckedIOException if the directory exists and cannot be listed
     */
    public static ConfDirSnapshot read(Path dir) {
        List<ConfFile> files = new ArrayList<>();
        Set<String> others = new HashSet<>();
        Set<String> dirs = new HashSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir)) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                if (Files.isDirectory(entry)) {
                    dirs.add(name);
                    others.add(name);
                } else if (isConfName(name)) {
                    readFile(entry, name).ifPresent(files::add);
                } else {
                    others.add(name);
                }
            }
        } catch (NoSuchFileException e) {
            return new ConfDirSnapshot(dir, List.of(), Set.of(), Map.of(), Map.of());
        } catch (DirectoryIteratorException e) {
            throw new UncheckedIOException("cannot list " + dir, e.getCause());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + dir, e);
        }
        Map<String, List<String>> networkDirs = networkDirs(dir, dirs, files);
        Map<String, ConfFile> pluginFiles = pluginFiles(dir, networkDirs);
        return new ConfDirSnapshot(
                dir,
                files.stream().map(file -> withItsPlugins(file, pluginFiles)).toList(),
                others,
                networkDirs,
                pluginFiles);
    }

    /** Returns whether runtimes read a file of this name. */
    public static boolean isConfName(String name) {
        return name.endsWith(".conf") || name.endsWith(".conflist") || name.endsWith(".json");
    }

    /** A file of a name and content; its name says whether it holds a list or a single plugin. */
    static ConfFile parse(String name, String content) {
        try {
            boolean isList = name.endsWith(".conflist");
            return new ConfFile.Valid(
                    name, isList ? NetworkConfigList.parse(content) : NetworkConfigList.parseSingle(content));
        } catch (CniException e) {
            return new ConfFile.Invalid(name, reason(e));
        }
    }

    private static ConfFile parse(Path dir, String name, String content) {
        ConfFile file = parse(name, content);
        return file instanceof ConfFile.Invalid && name.endsWith(".conflist")
                ? divided(dir, name, content).orElse(file)
                : file;
    }

    /** As libcni's NetworkConfFromFile since 1.3. */
    private static Optional<ConfFile> divided(Path dir, String name, String content) {
        try {
            ObjectNode json = CniJson.lenientObject(content);
            String network = json.path("name").asText("");
            String inlinedOnly = json.path("loadOnlyInlinedPlugins").asText("false");
            if (json.has("plugins")
                    || !inlinedOnly.equalsIgnoreCase("false")
                    || !CniEnvironment.isIdentifier(network)) {
                return Optional.empty();
            }
            List<String> plugins = confNames(dir.resolve(network));
            return plugins.isEmpty() ? Optional.empty() : Optional.of(new ConfFile.Divided(name, network, plugins));
        } catch (CniException e) {
            return Optional.empty();
        }
    }

    private static Optional<ConfFile> readFile(Path file, String name) {
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                return Optional.of(new ConfFile.Invalid(name, "not a regular file"));
            }
            byte[] content;
            try (InputStream stream = Files.newInputStream(file)) {
                content = stream.readNBytes(MAX_FILE_SIZE + 1);
            }
            return Optional.of(
                    content.length > MAX_FILE_SIZE
                            ? new ConfFile.Invalid(name, "longer than " + MAX_FILE_SIZE + " bytes")
                            : parse(file.resolveSibling(""), name, CniJson.text(content)));
        } catch (NoSuchFileException e) {
            return Files.isSymbolicLink(file)
                    ? Optional.of(new ConfFile.Invalid(name, "a symbolic link to nothing"))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.of(new ConfFile.Invalid(name, "cannot be read: " + e));
        } catch (CniException e) {
            return Optional.of(new ConfFile.Invalid(name, reason(e)));
        }
    }

    private static Map<String, List<String>> networkDirs(Path dir, Set<String> dirs, List<ConfFile> files) {
        Map<String, List<String>> networkDirs = new HashMap<>();
        for (ConfFile file : files) {
            directory(file).filter(dirs::contains).ifPresent(name -> {
                List<String> plugins = confNames(dir.resolve(name));
                if (!plugins.isEmpty()) {
                    networkDirs.put(name, plugins);
                }
            });
        }
        return networkDirs;
    }

    private static Optional<String> directory(ConfFile file) {
        return switch (file) {
            case ConfFile.Valid valid -> Optional.of(valid.list().name());
            case ConfFile.Divided divided -> Optional.of(divided.directory());
            case ConfFile.Invalid ignored -> Optional.empty();
        };
    }

    private static Map<String, ConfFile> pluginFiles(Path dir, Map<String, List<String>> networkDirs) {
        Map<String, ConfFile> files = new HashMap<>();
        networkDirs.forEach((directory, names) -> names.forEach(name -> {
            String path = directory + "/" + name;
            readFile(dir.resolve(path), path).ifPresent(file -> files.put(path, file));
        }));
        return files;
    }

    /** As libcni: a list is loaded with all of its plugins or not at all. A single plugin's file has no others. */
    private static ConfFile withItsPlugins(ConfFile file, Map<String, ConfFile> pluginFiles) {
        boolean alone = file instanceof ConfFile.Valid valid
                && (valid.list().single() || valid.list().loadOnlyInlinedPlugins());
        Optional<String> directory = directory(file).filter(ignored -> !alone);
        return pluginFiles.values().stream()
                .filter(ConfFile.Invalid.class::isInstance)
                .map(ConfFile.Invalid.class::cast)
                .filter(plugin -> directory
                        .filter(name -> plugin.name().startsWith(name + "/"))
                        .isPresent())
                .findFirst()
                .<ConfFile>map(plugin ->
                        new ConfFile.Invalid(file.name(), "its plugin " + plugin.name() + ": " + plugin.reason()))
                .orElse(file);
    }

    private static List<String> confNames(Path dir) {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir, "*.conf")) {
            for (Path entry : entries) {
                if (!Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    names.add(entry.getFileName().toString());
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        names.sort(ConfDirSnapshot.BY_BYTES);
        return names;
    }

    private static String reason(CniException e) {
        return e.details().isEmpty() ? e.getMessage() : e.getMessage() + " (" + e.details() + ")";
    }
}
