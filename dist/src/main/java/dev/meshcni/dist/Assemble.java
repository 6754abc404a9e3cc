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
 * lib/      the module path of the daemon and the command line, and their AOT caches
 * </pre>
 */
public final class Assemble {
    private static final String PLUGIN_MODULE = "dev.meshcni.cli";

    private Assemble() {}

    /**
     * Assembles.
     *
     * @param args the directory of the sources ({@code launchers}, {@code training}), and the directory to make
     */
    public static void main(String[] args) throws IOException {
        Path sources = Path.of(args[0]);
        Path dist = Path.of(args[1]);
        Path next = dist.resolveSibling(dist.getFileName() + ".next");
        Path scratch = dist.resolveSibling(dist.getFileName() + ".scratch");
        Path known = dist.resolveSibling(dist.getFileName() + ".inputs");
        String inputs = Fingerprint.of(sources, classPath());
        if (Files.exists(dist) && Files.exists(known) && Files.readString(known).equals(inputs)) {
            return;
        }
        try {
            for (Path directory : List.of(next, scratch)) {
                delete(directory);
                Files.createDirectories(directory);
            }
            assemble(sources, next, scratch);
            delete(dist);
            Files.move(next, dist);
            Files.writeString(known, inputs);
            delete(scratch);
        } catch (AssemblyException e) {
            System.err.println("dist: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void assemble(Path sources, Path dist, Path scratch) throws IOException {
        List<Path> jars = classPath().stream().filter(Files::isRegularFile).toList();
        ModuleSplit split = ModuleSplit.of(PLUGIN_MODULE, jars);
        RuntimeImage.link(split, dist.resolve("runtime"), scratch);
        copy(split.path().values(), Files.createDirectory(dist.resolve("lib")));
        Launchers.write(sources.resolve("launchers"), dist);
        Path pod = sources.resolve("training/pod.yaml");
        AotCache.make(Program.ISTIO_CNI, dist, new PluginTraining(dist, scratch).run(), scratch);
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
