// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.DaemonException;
import dev.meshcni.config.ManifestException;
import dev.meshcni.config.YamlText;
import dev.meshcni.manifest.KubernetesVersion;
import dev.meshcni.manifest.ManifestInput;
import dev.meshcni.manifest.ManifestInput.Setting;
import dev.meshcni.manifest.ManifestInput.Setting.Kind;
import dev.meshcni.manifest.NodeManifests;
import dev.meshcni.manifest.Platform;
import dev.meshcni.rules.Nearest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
            "  meshcni manifest -f values.yaml --namespace kube-system --kube-version 1.29"
        })
final class ManifestCommand implements Callable<Integer> {
    private static final String STDIN = "-";

    /** The most keys that help to find the one that was meant. */
    private static final int MOST_SHOWN = 50;

    /** Platforms by the names that they have in settings. */
    private static final class PlatformNames implements ITypeConverter<Platform>, Iterable<String> {
        @Override
        public Platform convert(String name) {
            return Stream.of(Platform.values())
                    .filter(platform -> platform.label().equalsIgnoreCase(name))
                    .findFirst()
                    .orElseThrow(() -> new TypeConversionException(
                            "'" + name + "' is not a known platform; known platforms: " + String.join(", ", this)));
        }

        @Override
        public Iterator<String> iterator() {
            return Stream.of(Platform.values()).map(Platform::label).iterator();
        }
    }

    /** Versions as kubectl writes them. */
    private static final class KubeVersion implements ITypeConverter<KubernetesVersion> {
        @Override
        public KubernetesVersion convert(String text) {
            try {
                return KubernetesVersion.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    @Option(
            names = {"-f", "--filename", "--values"},
            paramLabel = "FILE",
            description = {
                "An IstioOperator, or Helm chart values; - for standard input. Later files take precedence.",
                "Without a file, the CNI is enabled with default settings."
            })
    private List<String> files = List.of();

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = {
                "A setting, as for istioctl and Helm; takes precedence over files.",
                "The key is a path in the spec of the IstioOperator, such as values.cni.chained=false, or in the"
                        + " values, such as cni.chained=false.",
                "Commas separate several; lists are written {a,b} or NAME[0]=a; a backslash precedes a dot or comma"
                        + " that belongs to a key or value; null removes a setting."
            })
    private List<String> settings = List.of();

    @Option(
            names = "--set-string",
            paramLabel = "KEY=VALUE",
            description = "The same for a value that is a string whatever it looks like.")
    private List<String> strings = List.of();

    @Option(
            names = "--set-file",
            paramLabel = "KEY=FILE",
            description = "The same for a value that is the text of a file.")
    private List<String> textFiles = List.of();

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
            names = {"-n", "--namespace"},
            paramLabel = "NAMESPACE",
            description = "Namespace of the daemon, unless the files set it. Default: istio-system.")
    private Optional<String> namespace = Optional.empty();

    @Option(
            names = "--kube-version",
            paramLabel = "VERSION",
            converter = KubeVersion.class,
            description = "Version of Kubernetes that the manifests are for, such as 1.29. Default: 1.30 and later; the"
                    + " oldest is 1.25.")
    private Optional<KubernetesVersion> kubernetes = Optional.empty();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        try {
            NodeManifests manifests =
                    NodeManifests.of(new ManifestInput(documents(), settings(), platform, namespace, kubernetes));
            List<String> mistakes = DaemonVariables.mistakes(manifests.variables());
            if (!mistakes.isEmpty()) {
                mistakes.forEach(mistake -> err.println(spec.qualifiedName() + ": " + mistake));
                return CommandLine.ExitCode.SOFTWARE;
            }
            out.print(manifests.yaml());
            out.flush();
            return CommandLine.ExitCode.OK;
        } catch (ManifestException e) {
            e.problems().forEach(problem -> err.println(spec.qualifiedName() + ": " + line(problem)));
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

    /** In Helm's order: a string takes precedence over a value, and a file over both. */
    private List<Setting> settings() {
        List<Setting> all = new ArrayList<>();
        settings.forEach(text -> all.add(Setting.of(Kind.VALUE, text)));
        strings.forEach(text -> all.add(Setting.of(Kind.STRING, text)));
        textFiles.forEach(text -> all.add(new Setting(Kind.FILE, text, ManifestCommand::text)));
        return all;
    }

    private static String text(String file) {
        if (Files.isDirectory(Path.of(file))) {
            throw new DaemonException(file + " is a directory, expected a file");
        }
        try {
            return file.equals(STDIN)
                    ? YamlText.decode("standard input", System.in.readAllBytes())
                    : YamlText.decode(file, Files.readAllBytes(Path.of(file)));
        } catch (NoSuchFileException e) {
            throw new DaemonException(file + " does not exist", e);
        } catch (AccessDeniedException e) {
            throw new DaemonException(file + " is not readable for this user", e);
        } catch (IOException e) {
            throw new DaemonException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static String line(ManifestException.Problem problem) {
        String meant = problem.key().isEmpty()
                ? ""
                : Nearest.to(problem.key(), problem.known())
                        .map(name -> ", did you mean " + name + "?")
                        .orElseGet(() -> known(problem.known()));
        return problem.position() + ": " + problem.message() + meant;
    }

    private static String known(Set<String> keys) {
        return keys.size() > MOST_SHOWN
                ? "; no known key is similar"
                : "; known keys: " + String.join(", ", keys.stream().sorted().toList());
    }
}
