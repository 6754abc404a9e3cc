// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Dockerfile and deploy/image/build, which needs no engine, make the same image. */
class DockerfileTest {
    private static final Path DIRECTORY =
            Path.of("../deploy/image").toAbsolutePath().normalize();
    private static final Pattern CONFIG =
            Pattern.compile("config\\.json\" <<JSON\n(?<json>.*?)\nJSON\n", Pattern.DOTALL);

    @TempDir
    private Path directory;

    private final Dockerfile dockerfile = read();
    private final Dockerfile.Stage build =
            dockerfile.stages().get(dockerfile.stages().size() - 2);
    private final Dockerfile.Stage image = dockerfile.stages().getLast();

    @Test
    void theImageHoldsTheTwoLayersAndNothingElse() {
        assertThat(image.from()).isEqualTo("scratch");
        assertThat(image.all("COPY")).containsExactly("--from=build /image/base/ /", "--from=build /image/product/ /");
        assertThat(image.all("ADD")).isEmpty();
        assertThat(image.all("RUN")).isEmpty();
    }

    @Test
    void bothTakeTheLayersFromTheSameScript() throws IOException {
        assertThat(build.from()).endsWith(" AS build");
        assertThat(build.all("RUN"))
                .containsSubsequence(
                        "./dev build",
                        "deploy/image/layers base /image/base && deploy/image/layers product /image/product target/dist");
        assertThat(script())
                .contains("\"$ROOT/deploy/image/layers\" base \"$WORK/base\" ")
                .contains("\"$ROOT/deploy/image/layers\" product \"$WORK/product\" ");
        // Neither takes anything beside them.
        for (String taken : packages()) {
            assertThat(script()).doesNotContain(taken);
            assertThat(Files.readString(DIRECTORY.resolve("Dockerfile"))).doesNotContain(taken);
        }
    }

    @Test
    void whatIsForUsersOfAMachineIsNotInIt() throws IOException {
        Path dist = directory.resolve("dist");
        for (String file : List.of(
                "bin/istio-cni",
                "bin/install-cni",
                "bin/meshcni",
                "bin/kubectl-meshcni",
                "cli/a.jar",
                "cli/meshcni.aot",
                "lib/b.jar",
                "lib/install-cni.aot",
                "runtime/lib/modules",
                "share/man/man1/meshcni.1")) {
            Files.createDirectories(dist.resolve(file).getParent());
            Files.createFile(dist.resolve(file));
        }

        Command.of(
                        DIRECTORY.resolve("layers").toString(),
                        "product",
                        directory.resolve("made").toString(),
                        dist.toString())
                .run();

        assertThat(files(directory.resolve("made")))
                .containsExactlyInAnyOrder(
                        "opt/mesh-cni/bin/istio-cni",
                        "opt/mesh-cni/bin/install-cni",
                        "opt/mesh-cni/bin/meshcni",
                        "opt/mesh-cni/cli/a.jar",
                        "opt/mesh-cni/lib/b.jar",
                        "opt/mesh-cni/lib/install-cni.aot",
                        "opt/mesh-cni/runtime/lib/modules");
    }

    @Test
    void bothConfigureItAlike() throws IOException {
        Matcher json = CONFIG.matcher(script());
        assertThat(json.find()).isTrue();
        JsonNode config = new ObjectMapper().readTree(json.group("json")).get("config");

        assertThat(image.all("ENTRYPOINT").stream().map(DockerfileTest::json))
                .containsExactly(config.get("Entrypoint"));
        assertThat(image.all("WORKDIR"))
                .containsExactly(config.get("WorkingDir").asText());
        assertThat(image.all("ENV")).containsExactlyElementsOf(texts(config.get("Env")));
        List<String> labels = new ArrayList<>();
        config.get("Labels")
                .properties()
                .forEach(label ->
                        labels.add(label.getKey() + "=" + label.getValue().asText()));
        assertThat(image.all("LABEL")).containsExactly(String.join(" ", labels));
    }

    @Test
    void nothingInItIsOfOneArchitecture() throws IOException {
        assertThat(dockerfile.stages())
                .extracting(Dockerfile.Stage::from)
                .allMatch(from -> !from.contains("--platform"));
        assertThat(Files.readString(DIRECTORY.resolve("packages"))).doesNotContainPattern("x86.64|amd64|aarch64|arm64");
        assertThat(Files.readString(DIRECTORY.resolve("layers"))).doesNotContainPattern("x86.64|amd64|aarch64|arm64");
    }

    /** The patterns of the list. */
    private static List<String> packages() throws IOException {
        List<String> patterns = Files.readAllLines(DIRECTORY.resolve("packages")).stream()
                .filter(line -> !line.startsWith("#"))
                .flatMap(line -> Stream.of(line.strip().split("\\s+", -1)))
                .filter(word -> word.contains("/"))
                .toList();
        assertThat(patterns).hasSizeGreaterThan(20);
        return patterns;
    }

    private static List<String> files(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> root.relativize(file).toString())
                    .toList();
        }
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(node -> texts.add(node.asText()));
        return texts;
    }

    private static JsonNode json(String text) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String script() throws IOException {
        return Files.readString(DIRECTORY.resolve("build"));
    }

    private static Dockerfile read() {
        try {
            return Dockerfile.read(DIRECTORY.resolve("Dockerfile"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
