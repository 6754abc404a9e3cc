// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Makes the AOT cache of a program: the classes that its runs load, linked, with the heap objects and the module graph
 * that a start would otherwise build anew.
 *
 * <p>The JVM's own training mode records one process for one cache. Here each verb of the plugin is a process, so their
 * class lists are recorded and merged, and the cache is made from the whole.
 */
public final class AotCache {
    private static final int LOG_LINES = 20;

    private AotCache() {}

    /** Options that make a run write the list of what it loads. */
    public static List<String> recording(Path classList) {
        return List.of("-XX:DumpLoadedClassList=" + classList);
    }

    /**
     * Makes the cache of {@code program} where {@code program} looks for it.
     *
     * @param classLists what its runs wrote
     * @param scratch a directory for files that are needed meanwhile
     */
    public static void make(Program program, Path dist, List<Path> classLists, Path scratch) throws IOException {
        Path merged = scratch.resolve(program.fileName() + ".classes");
        Files.write(merged, merge(classLists), UTF_8);
        Path log = scratch.resolve(program.fileName() + ".log");
        Path cache = dist.resolve(program.cache());
        List<String> command = program.command(
                dist,
                List.of(
                        "-Xshare:dump",
                        "-XX:+AOTClassLinking",
                        "-XX:SharedClassListFile=" + merged,
                        "-XX:SharedArchiveFile=" + cache));
        int exit = Processes.run(command, log);
        if (exit != 0 || !Files.exists(cache)) {
            List<String> lines = Files.readAllLines(log, UTF_8);
            throw new AssemblyException("No AOT cache for " + program.fileName() + ":\n"
                    + String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size())));
        }
    }

    private static Set<String> merge(List<Path> classLists) throws IOException {
        Set<String> lines = new LinkedHashSet<>();
        for (Path classList : classLists) {
            for (String line : Files.readAllLines(classList, UTF_8)) {
                // Numbers of classes count within one list; without them the JVM finds a class by its name.
                lines.add(line.replaceFirst(" id: \\d+$", ""));
            }
        }
        return lines;
    }
}
