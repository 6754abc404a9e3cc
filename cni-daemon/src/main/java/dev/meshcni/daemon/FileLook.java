package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.Optional;
import java.util.Set;

/**
 * Who may do what with a file.
 *
 * @param mode its permission bits
 * @param owner its owner and group; empty leaves them as they come
 */
record FileLook(Set<PosixFilePermission> mode, Optional<Owner> owner) {
    /** An owner and a group. */
    record Owner(UserPrincipal user, GroupPrincipal group) {}

    FileLook {
        mode = Set.copyOf(mode);
        requireNonNull(owner, "owner is null");
    }

    /** A mode such as {@code rw-------}. */
    static FileLook ofMode(String mode) {
        return new FileLook(PosixFilePermissions.fromString(mode), Optional.empty());
    }

    /** What a file has, through symbolic links. */
    static FileLook of(Path file) throws IOException {
        PosixFileAttributes attributes = Files.readAttributes(file, PosixFileAttributes.class);
        return new FileLook(attributes.permissions(), Optional.of(new Owner(attributes.owner(), attributes.group())));
    }

    /** Gives it to a file. The owner changes first, as that takes away what a new owner may not have. */
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
        }
        view.setPermissions(mode);
    }
}
