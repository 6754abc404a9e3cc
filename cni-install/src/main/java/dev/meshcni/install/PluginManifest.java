// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * The files of a plugin version.
 *
 * @param files each file by its path within the tree
 */
record PluginManifest(Map<String, Entry> files) {
    /** The program that runtimes start, which is all of it. */
    static final String PROGRAM = "bin/istio-cni";

    private static final int ID_DIGITS = 12;
    private static final int BUFFER = 1 << 16;

    /**
     * A file.
     *
     * @param size in bytes
     * @param changed when it was changed last, in seconds
     * @param executable whether its owner may start it
     * @param sum the SHA-256 of its content
     */
    record Entry(long size, long changed, boolean executable, String sum) {
        private boolean looksLike(Entry other) {
            return size == other.size && changed == other.changed && executable == other.executable;
        }
    }

    PluginManifest {
        files = Map.copyOf(files);
    }

    /** Reads a whole tree. */
    static PluginManifest read(Path tree) throws IOException {
        Map<String, Entry> files = new TreeMap<>();
        for (Path file : filesOf(tree)) {
            files.put(tree.relativize(file).toString(), entry(file, true));
        }
        return new PluginManifest(files);
    }

    /** All that belongs to a version, in the order of the paths. */
    static List<Path> filesOf(Path tree) throws IOException {
        Path program = tree.resolve(PROGRAM);
        if (!Files.isRegularFile(program)) {
            throw new NoSuchFileException(program.toString());
        }
        return List.of(program);
    }

    /** A short name for exactly these files. */
    String id() {
        MessageDigest digest = sha256();
        new TreeMap<>(files).forEach((path, entry) -> digest.update((path + ' ' + entry + '\n').getBytes(UTF_8)));
        return HexFormat.of().formatHex(digest.digest()).substring(0, ID_DIGITS);
    }

    /** The size of the files, in bytes. */
    long size() {
        return files.values().stream().mapToLong(Entry::size).sum();
    }

    /** Returns whether a tree has these files, byte for byte. */
    boolean matches(Path tree) throws IOException {
        try {
            return read(tree).equals(this);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** Returns whether a tree seems to have these files, by their sizes and times; fast enough to ask all the time. */
    boolean resembles(Path tree) throws IOException {
        try {
            for (Map.Entry<String, Entry> file : files.entrySet()) {
                if (!entry(tree.resolve(file.getKey()), false).looksLike(file.getValue())) {
                    return false;
                }
            }
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static Entry entry(Path file, boolean withSum) throws IOException {
        PosixFileAttributes attributes =
                Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        return new Entry(
                attributes.size(),
                attributes.lastModifiedTime().to(TimeUnit.SECONDS),
                attributes.permissions().contains(PosixFilePermission.OWNER_EXECUTE),
                withSum ? sum(file) : "");
    }

    private static String sum(Path file) throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[BUFFER];
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                digest.update(buffer, 0, read);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256 is not available", e);
        }
    }
}
