package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs the plugin as container runtimes do, once for each verb, with an agent that answers.
 *
 * <p>Without the agent the plugin loads a JSON library. Those runs are left out on purpose: a class in the cache is loaded by every
 * run, needed or not, and they would make each ADD a quarter slower.
 */
final class PluginTraining {
    private static final Program PLUGIN = Program.ISTIO_CNI;
    private static final List<String> VERBS = List.of("VERSION", "ADD", "CHECK", "DEL", "GC", "STATUS");

    private final Path dist;
    private final Path scratch;

    PluginTraining(Path dist, Path scratch) {
        this.dist = dist;
        this.scratch = scratch;
    }

    /** Gives the class list of each run. */
    List<Path> run() throws IOException {
        Path config = scratch.resolve("istio-cni.conf");
        // Mode 0700, and not below the sources: the plugin trusts no directory that others than root decide on.
        Path runDirectory = Files.createTempDirectory("mesh-cni-training-");
        Files.write(config, TrainingInput.config(runDirectory));
        List<Path> classLists = new ArrayList<>();
        try (TrainingAgent _ = TrainingAgent.start(runDirectory)) {
            for (String verb : VERBS) {
                Path classList = scratch.resolve("istio-cni." + verb + ".classes");
                run(verb, config, classList);
                classLists.add(classList);
            }
        } finally {
            Files.delete(runDirectory);
        }
        return classLists;
    }

    private void run(String verb, Path config, Path classList) throws IOException {
        Path output = scratch.resolve("istio-cni.out");
        int exitCode = Processes.waitFor(Processes.start(
                PLUGIN.command(dist, AotCache.recording(classList)), TrainingInput.environment(verb), config, output));
        if (exitCode != 0) {
            throw new AssemblyException("istio-cni " + verb + " ended with exit code " + exitCode + ":\n"
                    + Files.readString(output, UTF_8));
        }
    }
}
