// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A temporary file, out of which another one was, or was to be, exchanged:
 * {@code .meshcni-RANDOM-BEFORE-AFTER-NAME.meshcni}. If the process that did it was killed, it holds what is known,
 * before or after, or else what another process has written meanwhile. The end of the name keeps runtimes from loading
 * it.
 *
 * @param path the file
 * @param target the file that it was exchanged with
 * @param before the sum of what that one held
 * @param after the sum of what it was to hold
 */
record DisplacedFile(Path path, Path target, String before, String after) {
    private static final int SUM_DIGITS = 16;
    private static final int LONGEST_NAME = 180;
    private static final String END = ".meshcni";

    private static final Pattern NAME = Pattern.compile(
            "\\.meshcni-\\p{XDigit}+-(?<before>\\p{XDigit}{16})-(?<after>\\p{XDigit}{16})-(?<name>.+)\\.meshcni");

    DisplacedFile {
        requireNonNull(path, "path is null");
        requireNonNull(target, "target is null");
        requireNonNull(before, "before is null");
        requireNonNull(after, "after is null");
    }

    /**
     * The path to use: that of a fresh file, with what must be known after a kill. A name that leaves no room for it,
     * or whose text has not all of its bytes, stays.
     */
    static Path path(Path fresh, Path target, byte[] before, byte[] after) {
        String name = target.getFileName().toString();
        return name.length() > LONGEST_NAME || name.indexOf('\uFFFD') >= 0
                ? fresh
                : fresh.resolveSibling(fresh.getFileName() + "-" + sum(before) + "-" + sum(after) + "-" + name + END);
    }

    /** Parses the name of a leftover; empty if it is not one of these. */
    static Optional<DisplacedFile> of(Path leftover) {
        Matcher matcher = NAME.matcher(leftover.getFileName().toString());
        return matcher.matches() && Files.isRegularFile(leftover, LinkOption.NOFOLLOW_LINKS)
                ? Optional.of(new DisplacedFile(
                        leftover,
                        leftover.resolveSibling(matcher.group("name")),
                        matcher.group("before"),
                        matcher.group("after")))
                : Optional.empty();
    }

    /** Returns whether it holds something that is neither what was to be displaced nor what was to be put there. */
    boolean isOfSomebodyElse() throws IOException {
        String sum = sum(Files.readAllBytes(path));
        return !sum.equals(before) && !sum.equals(after);
    }

    /** Returns whether a file holds what was to be put there. */
    boolean isOurs(Path file) throws IOException {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                && sum(Files.readAllBytes(file)).equals(after);
    }

    private static String sum(byte[] content) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
            return HexFormat.of().formatHex(digest).substring(0, SUM_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256 is not available", e);
        }
    }
}
