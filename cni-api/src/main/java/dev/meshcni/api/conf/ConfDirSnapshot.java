// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A configuration directory at one moment, as container runtimes see it.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param dir where it is
 * @param files what ends in {@code .conf}, {@code .conflist} or {@code .json}, in the order in which runtimes read it:
 *     by the bytes of the name
 * @param others the names of everything else in it, directories included
 * @param networkDirs the directories named like a network of {@link #files} that hold {@code .conf} files of more
 *     plugins, by name, with the names of those files; libcni 1.3 and newer run these after the plugins of the list
 *     itself
 * @param pluginFiles the files of those directories, by directory, slash and name
 * @since 0.1.0
 */
public record ConfDirSnapshot(
        Path dir,
        List<ConfFile> files,
        Set<String> others,
        Map<String, List<String>> networkDirs,
        Map<String, ConfFile> pluginFiles) {
    static final Comparator<String> BY_BYTES =
            Comparator.comparing(name -> name.getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);

    public ConfDirSnapshot {
        Objects.requireNonNull(dir, "dir is null");
        files = files.stream()
                .sorted(Comparator.comparing(ConfFile::name, BY_BYTES))
                .toList();
        others = Set.copyOf(others);
        networkDirs = Map.copyOf(networkDirs);
        pluginFiles = Collections.unmodifiableMap(new TreeMap<>(pluginFiles));
    }

    /**
     * A directory with files of the given names and contents, for tests and for looking ahead. Names that runtimes do
     * not look at become {@link #others}.
     */
    public static ConfDirSnapshot of(Path dir, Map<String, String> contents) {
        List<ConfFile> files = contents.entrySet().stream()
                .filter(file -> ConfDir.isConfName(file.getKey()))
                .map(file -> ConfDir.parse(file.getKey(), file.getValue()))
                .toList();
        Set<String> others = contents.keySet().stream()
                .filter(name -> !ConfDir.isConfName(name))
                .collect(Collectors.toUnmodifiableSet());
        return new ConfDirSnapshot(dir, files, others, Map.of(), Map.of());
    }

    /** The directory as it will be after edits, as far as runtimes read it. */
    public ConfDirSnapshot after(List<FileEdit> edits) {
        Map<String, ConfFile> edited = new LinkedHashMap<>();
        files.forEach(file -> edited.put(file.name(), file));
        for (FileEdit edit : edits) {
            switch (edit) {
                case FileEdit.Write write -> edited.put(write.name(), ConfDir.parse(write.name(), write.content()));
                case FileEdit.Delete delete -> edited.remove(delete.name());
            }
        }
        return new ConfDirSnapshot(dir, List.copyOf(edited.values()), others, networkDirs, pluginFiles);
    }

    /** A file by its name. */
    public Optional<ConfFile> file(String name) {
        return files.stream().filter(file -> file.name().equals(name)).findFirst();
    }

    /** The files that runtimes can load, in order. */
    public List<ConfFile.Valid> valid() {
        return files.stream()
                .filter(ConfFile.Valid.class::isInstance)
                .map(ConfFile.Valid.class::cast)
                .toList();
    }

    /** The files that runtimes cannot load, in order. */
    public List<ConfFile.Invalid> invalid() {
        return files.stream()
                .filter(ConfFile.Invalid.class::isInstance)
                .map(ConfFile.Invalid.class::cast)
                .toList();
    }

    /** The lists whose plugins lie in directories, in order. */
    public List<ConfFile.Divided> divided() {
        return files.stream()
                .filter(ConfFile.Divided.class::isInstance)
                .map(ConfFile.Divided.class::cast)
                .toList();
    }

    /** The file that pods get their network from: the first valid one. */
    public Optional<ConfFile.Valid> primary() {
        return valid().stream().findFirst();
    }
}
