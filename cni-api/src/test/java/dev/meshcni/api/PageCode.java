// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The Java files that a page of the documentation shows, each behind its name. */
final class PageCode {
    private static final Pattern SOURCE = Pattern.compile("`([^`]+\\.java)`:\n\n```java\n(.*?)```", Pattern.DOTALL);

    private final Map<String, Path> sources = new LinkedHashMap<>();

    /** Writes them into a folder. */
    PageCode(Path page, Path folder) throws IOException {
        for (var source : SOURCE.matcher(Files.readString(page)).results().toList()) {
            Path file = folder.resolve(source.group(1));
            Files.createDirectories(file.getParent());
            Files.writeString(file, source.group(2));
            sources.put(file.getFileName().toString(), file);
        }
    }

    Iterable<String> names() {
        return sources.keySet();
    }

    /** Compiles some of them, in which no warning is let pass. */
    void javac(Path out, String option, String path, String... names) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(program("javac"), "-d", out.toString()));
        command.addAll(List.of("-proc:none", "-Xlint:all", "-Werror", option, path));
        Stream.of(names).map(sources::get).map(Path::toString).forEach(command::add);
        run(command);
    }

    /** What a program prints that ends well. */
    static String run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    /** A program of the JDK that runs this. */
    static String program(String name) {
        return Path.of(System.getProperty("java.home"), "bin", name).toString();
    }

    /** This module, its tests, and what both need. */
    static String classes() {
        return Stream.of("jdk.module.path", "java.class.path")
                .map(System::getProperty)
                .filter(path -> path != null && !path.isEmpty())
                .reduce(
                        Path.of("../cni-api/target/classes").toAbsolutePath()
                                + File.pathSeparator
                                + Path.of("../cni-api/target/test-classes").toAbsolutePath(),
                        (all, path) -> all + File.pathSeparator + path);
    }
}
