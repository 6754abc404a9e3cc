package dev.meshcni.dist;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The run-time image: a JVM with the JDK's modules that are needed, and the plugin's own. */
final class RuntimeImage {
    private static final Set<String> PROGRAMS = Set.of("java");

    private RuntimeImage() {}

    static void link(ModuleSplit split, Path image, Path scratch) throws IOException {
        List<String> jars = new ArrayList<>();
        for (Map.Entry<String, Path> module : split.linked().entrySet()) {
            jars.add(DescriptorPatch.apply(module.getKey(), module.getValue(), scratch)
                    .toString());
        }
        Set<String> roots = new TreeSet<>(split.platform());
        roots.addAll(split.linked().keySet());
        ToolProvider jlink = ToolProvider.findFirst("jlink")
                .orElseThrow(() -> new AssemblyException("This JDK has no jlink: " + System.getProperty("java.home")));
        int exit = jlink.run(
                System.out,
                System.err,
                "--module-path",
                String.join(":", jars),
                "--add-modules",
                String.join(",", roots),
                "--no-header-files",
                "--no-man-pages",
                "--output",
                image.toString());
        if (exit != 0) {
            throw new AssemblyException("jlink failed with exit code " + exit);
        }
        removePrograms(image.resolve("bin"));
    }

    private static void removePrograms(Path bin) throws IOException {
        Set<Path> unused;
        try (Stream<Path> files = Files.list(bin)) {
            unused = files.filter(file -> !PROGRAMS.contains(file.getFileName().toString()))
                    .collect(Collectors.toSet());
        }
        for (Path file : unused) {
            Files.delete(file);
        }
    }
}
