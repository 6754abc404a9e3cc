package dev.meshcni.dist;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Assembles the distribution from the jars on its own class path:
 *
 * <pre>
 * bin/      istio-cni, install-cni, meshcni
 * runtime/  the run-time image they share; with bin/istio-cni it is all that the plugin needs
 * lib/      the module path of the daemon and the command line
 * </pre>
 */
public final class Assemble {
    private static final String PLUGIN_MODULE = "dev.meshcni.cli";

    private Assemble() {}

    /**
     * Assembles.
     *
     * @param args the directory of the launchers' templates, and the directory to make
     */
    public static void main(String[] args) throws IOException {
        try {
            assemble(Path.of(args[0]), Path.of(args[1]));
        } catch (AssemblyException e) {
            System.err.println("dist: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void assemble(Path launchers, Path dist) throws IOException {
        List<Path> jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> entry.endsWith(".jar"))
                .map(Path::of)
                .toList();
        ModuleSplit split = ModuleSplit.of(PLUGIN_MODULE, jars);
        Path next = dist.resolveSibling("dist.next");
        delete(next);
        Files.createDirectories(next);
        RuntimeImage.link(split, next.resolve("runtime"), dist.resolveSibling("dist.scratch"));
        copy(split.path().values(), Files.createDirectory(next.resolve("lib")));
        new Launchers(launchers).write(next);
        delete(dist);
        Files.move(next, dist);
    }

    private static void copy(Iterable<Path> jars, Path directory) throws IOException {
        for (Path jar : jars) {
            Files.copy(jar, directory.resolve(jar.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
        }
    }

    private static void delete(Path directory) throws IOException {
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
