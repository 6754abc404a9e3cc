// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/** The run-time image: a JVM with the JDK's modules that are needed, and those of the product that can be linked. */
public final class RuntimeImage {
    private RuntimeImage() {}

    /**
     * Links the image.
     *
     * @param scratch a directory for files that are needed while linking
     */
    public static void link(ModuleSplit split, Path image, Path scratch) throws IOException {
        Path nativeLibrary = scratch.resolve(JnaModule.NATIVE_LIBRARY);
        List<String> jars = new ArrayList<>();
        for (Map.Entry<String, Path> module : split.linked().entrySet()) {
            Path jar = module.getValue();
            if (module.getKey().equals(JnaModule.NAME)) {
                jar = scratch.resolve(jar.getFileName());
                JnaModule.prepare(module.getValue(), jar, nativeLibrary);
            }
            jars.add(jar.toString());
        }
        Set<String> roots = new TreeSet<>(split.platform());
        roots.addAll(split.linked().keySet());
        jlink(
                "--module-path",
                String.join(":", jars),
                "--add-modules",
                String.join(",", roots),
                "--compress",
                "zip-6",
                "--no-header-files",
                "--no-man-pages",
                "--output",
                image.toString());
        if (Files.exists(nativeLibrary)) {
            Files.copy(nativeLibrary, image.resolve("lib").resolve(JnaModule.NATIVE_LIBRARY));
        }
        keepOnlyJava(image.resolve("bin"));
        dropComments(image.resolve("conf/security/java.security"));
    }

    private static void jlink(String... arguments) {
        ToolProvider jlink = ToolProvider.findFirst("jlink")
                .orElseThrow(() -> new AssemblyException("This JDK has no jlink: " + System.getProperty("java.home")));
        int exit = jlink.run(System.out, System.err, arguments);
        if (exit != 0) {
            throw new AssemblyException("jlink failed with exit code " + exit);
        }
    }

    private static void keepOnlyJava(Path bin) throws IOException {
        List<Path> programs;
        try (Stream<Path> files = Files.list(bin)) {
            programs = files.toList();
        }
        for (Path program : programs) {
            if (!program.endsWith("java")) {
                Files.delete(program);
            }
        }
    }

    /**
     * Takes the comments out of a properties file. The JDK reads {@code java.security} whenever it opens a UNIX socket
     * (it wants random names for those it binds itself), and 69 of its 72 KB are comments: reading them takes 2 ms.
     */
    private static void dropComments(Path properties) throws IOException {
        List<String> kept = new ArrayList<>();
        boolean continued = false;
        for (String line : Files.readAllLines(properties, ISO_8859_1)) {
            String text = line.strip();
            if (continued || !(text.isEmpty() || text.startsWith("#"))) {
                kept.add(line);
                continued = line.endsWith("\\");
            }
        }
        Files.write(properties, kept, ISO_8859_1);
    }
}
