// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** What the distribution is made from, as one number: while it is the same, there is nothing to make anew. */
final class Fingerprint {
    private Fingerprint() {}

    static String of(Path sources, List<Path> classPath) throws IOException {
        MessageDigest digest = sha256();
        digest.update((Runtime.version() + System.getProperty("java.home")).getBytes(UTF_8));
        List<Path> roots = new ArrayList<>(classPath);
        roots.add(sources);
        for (Path root : roots) {
            for (Path file : filesBelow(root)) {
                digest.update(file.toString().getBytes(UTF_8));
                digest.update(Files.readAllBytes(file));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static List<Path> filesBelow(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssemblyException("Every Java platform has SHA-256", e);
        }
    }
}
