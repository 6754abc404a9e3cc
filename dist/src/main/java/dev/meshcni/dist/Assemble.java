// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Assembles the distribution from the jars on its own class path:
 *
 * <pre>
 * bin/      istio-cni, which needs nothing else, and the launchers install-cni and meshcni
 * runtime/  the run-time image of the two
 * lib/      their module path, and the AOT cache of install-cni
 * cli/      the modules that only meshcni has, and its AOT cache
 * </pre>
 */
public final class Assemble {
    private static final String THIS_MACHINE = "host";

    private Assemble() {}

    /**
     * Assembles.
     *
     * @param args the directory of the sources ({@code launchers}, {@code training}), that of the plugin's module, the
     *     directory to make, and {@code host}; or another architecture, for which the plugin alone is made
     */
    public static void main(String[] args) throws IOException {
        Path sources = Path.of(args[0]);
        NativePlugin plugin = new NativePlugin(Path.of(args[1]));
        Path dist = Path.of(args[2]);
        try {
            if (args[3].equals(THIS_MACHINE)) {
                replace(dist, sources, plugin);
            } else {
                Architecture architecture = Architecture.of(args[3]);
                Path scratch = emptied(scratch(dist));
                plugin.make(architecture, dist.resolveSibling("plugin-" + architecture.label()), scratch);
                delete(scratch);
            }
        } catch (AssemblyException e) {
            System.err.println("dist: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void replace(Path dist, Path sources, NativePlugin plugin) throws IOException {
        Path known = dist.resolveSibling(dist.getFileName() + ".inputs");
        List<Path> made = new ArrayList<>(classPath());
        made.addAll(List.of(plugin.generated(), plugin.ownCode()));
        String inputs = Fingerprint.of(sources, made);
        if (Files.exists(dist) && Files.exists(known) && Files.readString(known).equals(inputs)) {
            return;
        }
        Path next = emptied(dist.resolveSibling(dist.getFileName() + ".next"));
        Path scratch = emptied(scratch(dist));
        assemble(sources, plugin, next, scratch);
        delete(dist);
        Files.move(next, dist);
        Files.writeString(known, inputs);
        delete(scratch);
    }

    private static Path scratch(Path dist) {
        return dist.resolveSibling(dist.getFileName() + ".scratch");
    }

    private static Path emptied(Path directory) throws IOException {
        delete(directory);
        return Files.createDirectories(directory);
    }

    private static void assemble(Path sources, NativePlugin plugin, Path dist, Path scratch) throws IOException {
        plugin.make(Architecture.ofThisMachine(), dist, scratch);
        List<Path> jars = classPath().stream().filter(Files::isRegularFile).toList();
        ModuleSplit split = ModuleSplit.of(jars);
        RuntimeImage.link(split, dist.resolve("runtime"), scratch);
        copy(split.path().values(), Files.createDirectory(dist.resolve("lib")));
        copy(split.commandLine().values(), Files.createDirectory(dist.resolve("cli")));
        Launchers.write(sources.resolve("launchers"), dist);
        UserFiles.write(dist, scratch);
        truncateTimes(dist);
        Path pod = sources.resolve("training/pod.yaml");
        AotCache.make(Program.INSTALL_CNI, dist, new DaemonTraining(dist, pod.getParent(), scratch).run(), scratch);
        AotCache.make(Program.MESHCNI, dist, new CommandTraining(dist, pod, scratch).run(), scratch);
    }

    private static List<Path> classPath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .toList();
    }

    private static void copy(Iterable<Path> jars, Path directory) throws IOException {
        for (Path jar : jars) {
            Files.copy(jar, directory.resolve(jar.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
        }
    }

    /**
     * The JVM refuses an AOT cache whose jars have another time than when it was made. Container engines keep whole
     * seconds of a file in a layer, and round.
     */
    private static void truncateTimes(Path dist) throws IOException {
        try (Stream<Path> files = Files.walk(dist)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Instant second = Files.getLastModifiedTime(file).toInstant().truncatedTo(ChronoUnit.SECONDS);
                Files.setLastModifiedTime(file, FileTime.from(second));
            }
        }
    }

    static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
