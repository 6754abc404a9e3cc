// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Runs the tests of the unit lane of all modules, when Maven has compiled them. */
final class FastLane {
    /** Classes of a batch: few, so that no process is left alone with many at the end. */
    private static final int BATCH = 5;

    private static final int LAST_LINES = 20;
    private static final String ARGUMENTS = "java.arguments";

    private final Path directory;
    private final Batches batches;
    private final List<CompiledModule> modules;

    private FastLane(Path project) {
        this.directory = project.resolve("target/fast");
        this.batches = new Batches(directory);
        this.modules = CompiledModule.of(project);
    }

    /**
     * Takes the directory of the project, the tags of the other lanes, between commas, and options of the JVMs; ends
     * with 1 if anything has failed.
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        List<String> all = List.of(arguments);
        FastLane lane = new FastLane(Path.of(all.getFirst()).toAbsolutePath().normalize());
        System.exit(lane.run(List.of(all.get(1).split(",", -1)), all.subList(2, all.size())) ? 0 : 1);
    }

    private boolean run(List<String> otherLanes, List<String> options) throws IOException, InterruptedException {
        long start = System.nanoTime();
        List<Batch> all = modules.reversed().stream().flatMap(FastLane::batches).toList();
        batches.make(all);
        List<String> arguments = new ArrayList<>(options);
        arguments.addAll(JavaArguments.of(modules));
        arguments.add(LaneProcess.class.getName());
        arguments.add(directory.toString());
        arguments.addAll(otherLanes);
        Files.write(
                directory.resolve(ARGUMENTS),
                arguments.stream().map(FastLane::quoted).toList());

        boolean ran = processes();
        List<String> classes =
                all.stream().flatMap(batch -> batch.classes().stream()).toList();
        return report(classes, Duration.ofNanos(System.nanoTime() - start)) && ran;
    }

    /** Starts one for each processor, and returns when all have ended: whether each has run its tests. */
    private boolean processes() throws IOException, InterruptedException {
        Map<Path, Process> processes = new LinkedHashMap<>();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> processes.values().forEach(Process::destroyForcibly)));
        for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
            Path output = directory.resolve("output-" + i + ".txt");
            processes.put(output, start(output));
        }
        boolean ran = true;
        for (Map.Entry<Path, Process> process : processes.entrySet()) {
            int status = process.getValue().waitFor();
            if (status != 0) {
                System.out.println("a JVM ended with " + status + ", after:");
                List<String> lines = Files.readAllLines(process.getKey(), StandardCharsets.ISO_8859_1);
                lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size())
                        .forEach(System.out::println);
                ran = false;
            }
        }
        return ran;
    }

    private static Stream<Batch> batches(CompiledModule module) {
        List<String> tests = module.tests();
        return IntStream.range(0, (tests.size() + BATCH - 1) / BATCH)
                .mapToObj(i -> new Batch(
                        module.name() + "-" + i, tests.subList(i * BATCH, Math.min(tests.size(), (i + 1) * BATCH))));
    }

    /** In a module's directory, from which tests find files of the project. */
    private Process start(Path output) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "@" + directory.resolve(ARGUMENTS))
                .directory(modules.getFirst().directory().toFile())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    private boolean report(List<String> classes, Duration time) throws IOException {
        List<ClassResult> results = batches.results();
        Files.write(
                directory.resolve("classes.txt"),
                results.stream()
                        .sorted(Comparator.comparingLong(ClassResult::millis).reversed())
                        .map(ClassResult::line)
                        .toList());
        Set<String> lost = new TreeSet<>(classes);
        results.forEach(result -> lost.remove(result.name()));
        int tests = results.stream().mapToInt(ClassResult::tests).sum();
        int failed = results.stream().mapToInt(ClassResult::failed).sum();
        int skipped = results.stream().mapToInt(ClassResult::skipped).sum();

        batches.failures().forEach(System.out::println);
        lost.forEach(name -> System.out.println("not run, or without a test: " + name));
        if (failed > 0 || !lost.isEmpty()) {
            System.out.println("what the tests printed: " + directory.resolve("output-*.txt"));
        }
        System.out.printf("%-6s %7s %7s %8s %9s%n", "lane", "tests", "failed", "skipped", "time");
        System.out.printf("%-6s %7d %7d %8d %8ds%n", "unit", tests, failed, skipped, time.toSeconds());
        return tests > 0 && failed == 0 && lost.isEmpty();
    }

    /** As an argument file has it (java(1)). */
    private static String quoted(String argument) {
        return '"' + argument.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
