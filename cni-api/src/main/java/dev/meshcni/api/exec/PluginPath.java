// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.exec;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.Quote;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The directories in which plugins are looked for, in order (CNI specification 1.1, section 2, {@code CNI_PATH}).
 *
 * @param directories the directories
 */
record PluginPath(List<Path> directories) {
    PluginPath {
        directories = List.copyOf(directories);
    }

    /**
     * The program of a plugin's type.
     *
     * @throws CniException with {@link ErrorCode#INVALID_NETWORK_CONFIG} if the type is no file name, or there is no
     *     such program; then its details name directories that do not exist
     */
    Path find(String type) {
        if (type.isEmpty()
                || type.indexOf('/') >= 0
                || type.equals(".")
                || type.equals("..")
                || type.indexOf('\0') >= 0) {
            throw new CniException(ErrorCode.INVALID_NETWORK_CONFIG, "invalid plugin type " + Quote.of(type), "");
        }
        return directories.stream()
                .map(directory -> directory.resolve(type))
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file))
                .findFirst()
                .orElseThrow(() -> new CniException(
                        ErrorCode.INVALID_NETWORK_CONFIG,
                        "no plugin " + Quote.of(type) + " in " + directories,
                        reason(type)));
    }

    private String reason(String type) {
        return directories.stream()
                .flatMap(directory -> {
                    Path file = directory.resolve(type);
                    if (!Files.isDirectory(directory)) {
                        return List.of("no directory " + directory).stream();
                    }
                    return Files.exists(file) ? List.of(file + " is not an executable file").stream() : null;
                })
                .collect(Collectors.joining("; "));
    }

    /** The value of {@code CNI_PATH}. */
    @Override
    public String toString() {
        return directories.stream().map(Path::toString).collect(Collectors.joining(":"));
    }
}
