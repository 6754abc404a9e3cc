// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A node's directories, with a small tree in place of the plugin's. */
public final class TestNode {
    /** So that a test which waits for events cannot pass by a comparison. */
    private static final Duration NEVER = Duration.ofHours(1);

    private final Path root;
    private Duration checkInterval = NEVER;

    private TestNode(Path root) {
        this.root = root;
    }

    /** A node with an empty configuration directory and no plugins. */
    public static TestNode in(Path root) throws IOException {
        TestNode node = new TestNode(root);
        Files.createDirectories(node.confDir());
        Files.createDirectories(node.binDir());
        if (!Files.exists(node.source())) {
            node.release("first");
        }
        return node;
    }

    public TestNode checkedEvery(Duration interval) {
        checkInterval = interval;
        return this;
    }

    /** The interval in which an installer of this node compares everything with what it should be. */
    public Duration checkInterval() {
        return checkInterval;
    }

    public Path confDir() {
        return root.resolve("etc/cni/net.d");
    }

    public Path binDir() {
        return root.resolve("opt/cni/bin");
    }

    public Path runDirectory() {
        return root.resolve("run/istio-cni");
    }

    public Path source() {
        return root.resolve("source");
    }

    public Path link() {
        return binDir().resolve("istio-cni");
    }

    public Path proc() throws IOException {
        return Files.createDirectories(root.resolve("proc"));
    }

    /** Makes the source a release whose files hold a word. */
    public void release(String word) throws IOException {
        write(source().resolve("bin/istio-cni"), script(word), "rwxr-xr-x");
    }

    /** A plugin that answers VERSION. */
    public static String script(String word) {
        return "#!/bin/sh\n# " + word + "\necho '{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"1.0.0\"]}'\n";
    }

    /** Makes the source's plugin another program. */
    public void plugin(byte[] program) throws IOException {
        Path file = source().resolve("bin/istio-cni");
        Files.write(file, program);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    public void conf(String name, String content) throws IOException {
        Files.writeString(confDir().resolve(name), content);
    }

    /** The configuration directory: each name and what the file holds. */
    public Map<String, String> conf() throws IOException {
        return contents(confDir());
    }

    /** All files below a directory, and where symbolic links lead to; once more if one of them goes meanwhile. */
    public static Map<String, String> contents(Path directory) throws IOException {
        while (true) {
            try {
                return contentsNow(directory);
            } catch (NoSuchFileException e) {
                // A temporary file of an installer at work; a directory that is not there is no such case.
                if (!Files.exists(directory)) {
                    throw e;
                }
            } catch (UncheckedIOException e) {
                if (!(e.getCause() instanceof NoSuchFileException) || !Files.exists(directory)) {
                    throw e;
                }
            }
        }
    }

    private static Map<String, String> contentsNow(Path directory) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.toList()) {
                String name = directory.relativize(file).toString();
                if (Files.isSymbolicLink(file)) {
                    contents.put(name, "-> " + Files.readSymbolicLink(file));
                } else if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                    contents.put(name, new String(Files.readAllBytes(file), UTF_8));
                }
            }
        }
        return contents;
    }

    public static List<Path> filesIn(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    private static void write(Path file, String content, String mode) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2026-03-01T10:20:30.456Z")));
    }
}
