// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * Users and groups by name, from the files of the file system that the command runs in ({@code passwd(5)},
 * {@code group(5)}): in a pod those of its image.
 */
record Accounts(Path passwd, Path group) {
    private static final int ID_FIELD = 2;

    /** Those of this machine or container. */
    static Accounts ofSystem() {
        return new Accounts(Path.of("/etc/passwd"), Path.of("/etc/group"));
    }

    /** The id of a user; empty if there is none of this name. */
    OptionalLong userId(String name) {
        return id(passwd, name);
    }

    /** The id of a group; empty if there is none of this name. */
    OptionalLong groupId(String name) {
        return id(group, name);
    }

    private static OptionalLong id(Path file, String name) {
        return lines(file).stream()
                .map(line -> line.split(":", -1))
                .filter(fields -> fields.length > ID_FIELD && fields[0].equals(name))
                .filter(fields -> fields[ID_FIELD].matches("[0-9]{1,10}"))
                .mapToLong(fields -> Long.parseLong(fields[ID_FIELD]))
                .findFirst();
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readString(file, UTF_8).lines().toList();
        } catch (IOException e) {
            return List.of();
        }
    }
}
