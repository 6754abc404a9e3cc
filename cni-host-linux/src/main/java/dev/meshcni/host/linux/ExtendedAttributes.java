// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The extended attributes of a file of all namespaces (xattr(7)): access control lists are
 * {@code system.posix_acl_access} (acl(5)), SELinux's label is {@code security.selinux}. Of a symbolic link they are
 * its own.
 */
public final class ExtendedAttributes {
    private static final int LARGEST = 1 << 16;

    private ExtendedAttributes() {}

    /** The names and values of all that can be read; none where the file system has none. */
    public static Map<String, byte[]> of(Path file) throws IOException {
        Map<String, byte[]> attributes = new TreeMap<>();
        for (String name : names(file)) {
            get(file, name).ifPresent(value -> attributes.put(name, value));
        }
        return attributes;
    }

    /** A value, if there is one. */
    public static Optional<byte[]> get(Path file, String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(LARGEST);
            LibC.Result result =
                    LibC.LGETXATTR.call(path(arena, file), arena.allocateFrom(name), value, (long) LARGEST);
            if (result.failed()) {
                if (result.errno() == LibC.ENODATA || result.errno() == LibC.EOPNOTSUPP) {
                    return Optional.empty();
                }
                throw failure(file, name, result);
            }
            return Optional.of(value.asSlice(0, result.value()).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    /** Sets a value, new or not. */
    public static void set(Path file, String name, byte[] value) throws IOException {
        requireNonNull(value, "value is null");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, value);
            LibC.Result result =
                    LibC.LSETXATTR.call(path(arena, file), arena.allocateFrom(name), bytes, (long) value.length, 0);
            if (result.failed()) {
                throw failure(file, name, result);
            }
        }
    }

    /** Removes a value, if it is there. */
    public static void remove(Path file, String name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            LibC.Result result = LibC.LREMOVEXATTR.call(path(arena, file), arena.allocateFrom(name));
            if (result.failed() && result.errno() != LibC.ENODATA) {
                throw failure(file, name, result);
            }
        }
    }

    private static List<String> names(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment list = arena.allocate(LARGEST);
            LibC.Result result = LibC.LLISTXATTR.call(path(arena, file), list, (long) LARGEST);
            if (result.failed()) {
                if (result.errno() == LibC.EOPNOTSUPP) {
                    return List.of();
                }
                throw failure(file, "the list", result);
            }
            List<String> names = new ArrayList<>();
            for (long at = 0; at < result.value(); ) {
                String name = list.getString(at);
                names.add(name);
                at += name.getBytes(UTF_8).length + 1L;
            }
            return names;
        }
    }

    private static MemorySegment path(Arena arena, Path file) {
        return NativePath.of(arena, file);
    }

    private static FileSystemException failure(Path file, String name, LibC.Result result) {
        return new FileSystemException(
                file.toString(), null, "extended attribute " + name + ": " + LibC.text(result.errno()));
    }
}
