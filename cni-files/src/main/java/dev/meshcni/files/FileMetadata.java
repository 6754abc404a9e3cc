// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import static java.util.Objects.requireNonNull;

import dev.meshcni.host.linux.ExtendedAttributes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Who may do what with a file.
 *
 * @param mode its permission bits
 * @param owner its owner and group; empty leaves them, and the attributes, as they come
 * @param attributes its extended attributes, in hexadecimal: access control lists, SELinux's label, and what its owner
 *     keeps in them. Those that sign the content (IMA, EVM) and those of an overlay file system belong to the one file
 *     and are not among them
 */
public record FileMetadata(Set<PosixFilePermission> mode, Optional<Owner> owner, Map<String, String> attributes) {
    private static final Set<String> OF_ONE_FILE = Set.of("security.ima", "security.evm");
    private static final String OF_OVERLAY = "trusted.overlay.";

    /** An owner and a group. */
    public record Owner(UserPrincipal user, GroupPrincipal group) {}

    public FileMetadata {
        mode = Set.copyOf(mode);
        requireNonNull(owner, "owner is null");
        attributes = Map.copyOf(attributes);
    }

    /** A mode such as {@code rw-------}. */
    public static FileMetadata ofMode(String mode) {
        return new FileMetadata(PosixFilePermissions.fromString(mode), Optional.empty(), Map.of());
    }

    /** Reads mode, owner, group and attributes of a file, following symbolic links. */
    public static FileMetadata of(Path file) throws IOException {
        PosixFileAttributes posix = Files.readAttributes(file, PosixFileAttributes.class);
        // Below /proc/PID/root a real path is one of this process's own root: only a link may need it.
        Path real = Files.isSymbolicLink(file) ? file.toRealPath() : file;
        return new FileMetadata(
                posix.permissions(), Optional.of(new Owner(posix.owner(), posix.group())), extended(real));
    }

    /**
     * Gives it to a file. The owner changes first, as that takes away what a new owner may not have; the mode last, as
     * an access control list that the file has from its directory would change with it.
     *
     * @throws IOException also if an attribute cannot be set: without its label or list, those who need the file could
     *     not read it
     */
    void applyTo(Path file) throws IOException {
        PosixFileAttributeView view = Files.getFileAttributeView(file, PosixFileAttributeView.class);
        if (owner.isPresent()) {
            PosixFileAttributes now = view.readAttributes();
            Owner wanted = owner.get();
            if (!now.owner().equals(wanted.user())) {
                view.setOwner(wanted.user());
            }
            if (!now.group().equals(wanted.group())) {
                view.setGroup(wanted.group());
            }
            applyAttributes(file);
        }
        view.setPermissions(mode);
    }

    private void applyAttributes(Path file) throws IOException {
        Map<String, String> now = extended(file);
        for (String extra : now.keySet()) {
            if (!attributes.containsKey(extra)) {
                ExtendedAttributes.remove(file, extra);
            }
        }
        for (Map.Entry<String, String> attribute : attributes.entrySet()) {
            if (!attribute.getValue().equals(now.get(attribute.getKey()))) {
                ExtendedAttributes.set(file, attribute.getKey(), HexFormat.of().parseHex(attribute.getValue()));
            }
        }
    }

    private static Map<String, String> extended(Path file) throws IOException {
        Map<String, String> attributes = new TreeMap<>();
        ExtendedAttributes.of(file).forEach((name, value) -> {
            if (!OF_ONE_FILE.contains(name) && !name.startsWith(OF_OVERLAY)) {
                attributes.put(name, HexFormat.of().formatHex(value));
            }
        });
        return attributes;
    }
}
