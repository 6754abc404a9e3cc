// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A directory that is there, as the value of an option. */
public final class DirectoryValue implements ITypeConverter<Path> {
    /** For picocli. */
    public DirectoryValue() {}

    @Override
    public Path convert(String text) {
        Path path = Path.of(text);
        if (Files.isDirectory(path)) {
            return path;
        }
        throw new TypeConversionException(
                Files.exists(path)
                        ? "expected a directory but '" + text + "' is a file"
                        : "directory '" + text + "' does not exist");
    }
}
