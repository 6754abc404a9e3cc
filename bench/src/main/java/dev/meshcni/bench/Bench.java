// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.core.spi.RedirectException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Measures the distribution, prints a table, and leaves it as JSON and as a picture. */
public final class Bench {
    /** The name of the image's size, which is there if the image is. */
    static final String IMAGE = "image, packed";

    private Bench() {}

    /**
     * Measures.
     *
     * @param args the directory that holds {@code dist} and gets {@code bench}, the number of rounds, and the parts,
     *     separated by commas or {@code all}
     */
    public static void main(String[] args) throws IOException {
        Path target = Path.of(args[0]);
        int rounds = Integer.parseInt(args[1]);
        try {
            Set<Part> parts = Part.named(args[2]);
            Report report;
            try (Neighbour _ = Neighbour.make()) {
                report = measure(target, rounds, parts);
            }
            Path directory = Files.createDirectories(target.resolve("bench"));
            System.out.print(report.table());
            Files.writeString(directory.resolve("results.json"), report.json(), UTF_8);
            Files.writeString(directory.resolve("processes.svg"), new Plot(report.results()).svg(), UTF_8);
            System.out.println(
                    "written: " + directory.resolve("results.json") + ", " + directory.resolve("processes.svg"));
        } catch (BenchException | RedirectException e) {
            System.err.println("bench: " + e.getMessage());
            System.exit(1);
        }
    }

    private static Report measure(Path target, int rounds, Set<Part> parts) throws IOException {
        Path dist = target.resolve("dist");
        List<AgentLoad.Row> load = parts.contains(Part.LOAD) ? AgentLoad.measure(dist, rounds) : List.of();
        List<Burst.Row> burst = parts.contains(Part.BURST) ? Burst.measure(dist, rounds) : List.of();
        List<RuleScale.Row> scale = parts.contains(Part.SCALE) ? RuleScale.measure(rounds) : List.of();
        List<RuleWays.Row> ways = parts.contains(Part.WAYS) ? RuleWays.measure(rounds) : List.of();
        List<Result> results = new ArrayList<>();
        Map<String, Double> sizes = new LinkedHashMap<>();
        if (parts.contains(Part.PROCESSES)) {
            processes(target, rounds, results, sizes);
        }
        if (parts.contains(Part.MESH)) {
            results.addAll(MeshAdd.measure(rounds));
        }
        if (parts.contains(Part.ISTIO)) {
            results.addAll(BesideIstio.measure(dist, rounds));
        }
        return new Report(rounds, results, load, burst, scale, ways, sizes);
    }

    private static void processes(Path target, int rounds, List<Result> results, Map<String, Double> sizes)
            throws IOException {
        Path dist = target.resolve("dist");
        try (Node node = Node.start(dist)) {
            BareJvm bare = BareJvm.make(node.directory(), node.agent().socket());
            StaticClient client =
                    StaticClient.make(node.directory(), node.agent().socket());
            results.addAll(new ProcessRuns(node, dist, bare, client).measure(rounds));
            results.addAll(new AgentCalls(node).measure(rounds));
            results.add(FirstAdd.measure(dist, rounds));
            sizes.put("agent: resident memory, 2 pods", node.agent().memory());
            sizes.put("installed plugin", size(dist.resolve("bin/istio-cni")));
            sizes.put("whole distribution", size(dist));
            Path image = target.resolve("image/mesh-cni.tar");
            if (Files.exists(image)) {
                sizes.put(IMAGE, size(image));
            }
        }
    }

    private static double size(Path path) throws IOException {
        try (Stream<Path> files = Files.walk(path)) {
            return files.filter(Files::isRegularFile)
                            .mapToLong(file -> file.toFile().length())
                            .sum()
                    / (1024.0 * 1024.0);
        }
    }
}
