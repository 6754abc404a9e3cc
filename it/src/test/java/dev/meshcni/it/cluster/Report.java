// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.it.Dist;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The figures of a run, in target/cluster.txt. */
final class Report {
    private static final Path FILE = Dist.root().resolveSibling("cluster.txt");

    private Report() {}

    static void line(String text) {
        try {
            System.out.println("cluster: " + text);
            Files.writeString(FILE, text + "\n", UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
