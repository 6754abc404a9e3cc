// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.config.ManifestException;
import dev.meshcni.manifest.ManifestInput;
import dev.meshcni.manifest.NodeManifests;
import dev.meshcni.manifest.Platform;
import dev.meshcni.rules.Nearest;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Prints the Kubernetes resources of an installation. */
@Command(
        name = "manifest",
        description = "Print the Kubernetes resources for an IstioOperator as YAML. Changes nothing.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  meshcni manifest -f operator.yaml | kubectl apply -f -",
            "  meshcni manifest -f operator.yaml --platform gke --set values.cni.hub=registry.example.com/mesh",
            "  meshcni manifest -f values.yaml --namespace kube-system"
        })
final class ManifestCommand implements Callable<Integer> {
    private static final String STDIN = "-";

    /** Platforms by the names that they have in settings. */
    private static final class PlatformNames implements ITypeConverter<Platform>, Iterable<String> {
        @Override
        public Platform convert(String name) {
            return Stream.of(Platform.values())
                    .filter(platform -> platform.label().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new TypeConversionException(
                            "'" + name + "' is not a known platform; known platforms: " + String.join(", ", this)));
        }

        @Override
        public Iterator<String> iterator() {
            return Stream.of(Platform.values()).map(Platform::label).iterator();
        }
    }

    @Option(
            names = {"-f", "--filename"},
            paramLabel = "FILE",
            description = {
                "An IstioOperator, or Helm chart values; - for standard input. Later files take precedence.",
                "Without a file, the CNI is enabled with default settings."
            })
    private List<String> files = List.of();

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A field of the IstioOperator's spec, such as values.cni.chained=false; takes precedence"
                    + " over files.")
    private List<String> settings = List.of();

    @Option(
            names = "--platform",
            paramLabel = "PLATFORM",
            converter = PlatformNames.class,
            completionCandidates = PlatformNames.class,
            description = {
                "Platform of the cluster, which sets the directories: ${COMPLETION-CANDIDATES}.",
                "Values in the files take precedence."
            })
    private Optional<Platform> platform = Optional.empty();

    @Option(
            names = "--namespace",
            paramLabel = "NAMESPACE",
            description = "Namespace of the daemon, unless the files set it. Default: istio-system.")
    private Optional<String> namespace = Optional.empty();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        try {
            out.print(NodeManifests.of(new ManifestInput(documents(), settings, platform, namespace))
                    .yaml());
            out.flush();
            return CommandLine.ExitCode.OK;
        } catch (ManifestException e) {
            e.problems().forEach(problem -> err.println(line(problem)));
            return CommandLine.ExitCode.SOFTWARE;
        }
    }

    private List<ManifestInput.Document> documents() {
        List<ManifestInput.Document> documents = new ArrayList<>();
        for (String file : files) {
            documents.add(new ManifestInput.Document(file.equals(STDIN) ? "standard input" : file, text(file)));
        }
        return documents;
    }

    private static String text(String file) {
        try {
            return file.equals(STDIN)
                    ? new String(System.in.readAllBytes(), UTF_8)
                    : Files.readString(Path.of(file), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read: " + e, e);
        }
    }

    private static String line(ManifestException.Problem problem) {
        String meant = problem.key().isEmpty()
                ? ""
                : Nearest.to(problem.key(), problem.known())
                        .map(name -> ", did you mean " + name + "?")
                        .orElseGet(() -> "; known keys: "
                                + String.join(
                                        ", ", problem.known().stream().sorted().toList()));
        return problem.position() + ": " + problem.message() + meant;
    }
}
