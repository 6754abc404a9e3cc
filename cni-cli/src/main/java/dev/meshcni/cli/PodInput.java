// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.DaemonException;
import dev.meshcni.doctor.LivePods;
import dev.meshcni.kubernetes.ClientConfig;
import dev.meshcni.kubernetes.PodManifests;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.UnreadAnnotations;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The pods that a command is about: those of a manifest, or one of the cluster. */
final class PodInput {
    private static final String STDIN = "-";
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private static final Pattern MANIFEST = Pattern.compile("\\.(ya?ml|json)$");

    /** The names that kubectl has for pods. */
    private static final Set<String> KINDS = Set.of("pod", "pods", "po");

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "POD",
            description =
                    "Name of the pod, as NAME or NAMESPACE/NAME: in the file if there is one, else in the cluster.")
    private String pod;

    /** The name after {@code pod}, as kubectl takes a kind and a name. */
    @Parameters(index = "1", arity = "0..1", hidden = true)
    private String afterKind;

    @Option(
            names = {"-f", "--filename", "--pod"},
            paramLabel = "FILE",
            description = "Manifest of the pod, YAML or JSON, as printed by \"kubectl get pod NAME -o yaml\"; - for"
                    + " standard input.")
    private String file;

    @Option(names = "--name", hidden = true, paramLabel = "POD", description = "The same as the argument POD.")
    private String name;

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NAMESPACE",
            description = "Namespace of the pod. Default: that of the kubeconfig context; in a file, any.")
    private String namespace;

    @Mixin
    private KubeconfigOptions cluster;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    /**
     * The selected pods, at least one.
     *
     * @throws DaemonException if there is none, or the file or the cluster cannot be read
     */
    List<PodManifests.Shown> pods() {
        List<PodManifests.Shown> pods = selected();
        PrintWriter err = spec.commandLine().getErr();
        pods.forEach(shown -> Stream.concat(
                        UnreadAnnotations.warnings(shown.pod()).stream(), AmbientOptions.warnings(shown.pod()).stream())
                .forEach(warning -> err.println("warning: pod " + shown.pod().qualifiedName() + ": " + warning)));
        return pods;
    }

    private List<PodManifests.Shown> selected() {
        Optional<Selection> selection = selection();
        if (file == null) {
            return List.of(live(selection.orElseThrow(() -> usage("name a pod, or a manifest with -f FILE"))));
        }
        if (file.contains("://")) {
            throw usage("-f takes a file, not a URL; pipe what is there into -f -");
        }
        List<PodManifests.Shown> all = manifest();
        if (all.isEmpty()) {
            throw new DaemonException(source() + " contains no Pod; for a pod created from a template, such as a"
                    + " Deployment's, use the output of \"kubectl get pod NAME -o yaml\"");
        }
        List<PodManifests.Shown> meant = all.stream()
                .filter(shown ->
                        selection.map(wanted -> wanted.isMeant(shown.pod())).orElse(true))
                .filter(shown ->
                        namespace == null || namespace.equals(shown.pod().namespace()))
                .toList();
        if (meant.isEmpty()) {
            throw new DaemonException(source() + " contains no pod "
                    + selection.map(this::named).orElseGet(() -> "of namespace " + namespace) + "; it contains "
                    + names(all));
        }
        return meant;
    }

    /**
     * The selected pod.
     *
     * @throws DaemonException if there are several, or none
     */
    PodManifests.Shown pod() {
        List<PodManifests.Shown> pods = pods();
        if (pods.size() > 1) {
            throw new DaemonException(source() + " contains several pods; name one of them: " + names(pods));
        }
        return pods.getFirst();
    }

    private List<PodManifests.Shown> manifest() {
        if (file.equals(STDIN)) {
            return PodManifests.show("standard input", System.in);
        }
        Path path = Path.of(file);
        if (Files.isDirectory(path)) {
            throw new DaemonException(path + " is a directory, expected a file");
        }
        return PodManifests.show(path);
    }

    private PodManifests.Shown live(Selection wanted) {
        return LivePods.get(
                ClientConfig.of(cluster.kubeconfig(), cluster.context(), TIMEOUT),
                wanted.namespace().or(() -> Optional.ofNullable(namespace)),
                wanted.name());
    }

    private String named(Selection wanted) {
        return namespace == null || wanted.namespace().isPresent() ? wanted.toString() : namespace + "/" + wanted;
    }

    private Optional<Selection> selection() {
        String given = given();
        if (given != null && name != null && !given.equals(name)) {
            throw usage("two names of pods: " + given + " and " + name);
        }
        Optional<Selection> selection =
                Optional.ofNullable(given == null ? name : given).map(Selection::of);
        selection.flatMap(Selection::namespace).ifPresent(named -> {
            if (namespace != null && !namespace.equals(named)) {
                throw usage("two namespaces: " + named + " and " + namespace);
            }
        });
        return selection;
    }

    private String given() {
        if (pod != null && file == null && MANIFEST.matcher(pod).find()) {
            throw usage(pod + " is no pod's name, did you mean '-f " + pod + "'?");
        }
        if (afterKind == null || KINDS.contains(pod)) {
            return afterKind == null ? pod : afterKind;
        }
        throw new UnmatchedArgumentException(spec.commandLine(), List.of(afterKind));
    }

    private ParameterException usage(String what) {
        return new ParameterException(spec.commandLine(), what);
    }

    private String source() {
        return file.equals(STDIN) ? "standard input" : file;
    }

    private static String names(List<PodManifests.Shown> pods) {
        return pods.stream().map(shown -> shown.pod().qualifiedName()).collect(Collectors.joining(", "));
    }

    /** A pod as it was named, with its namespace or without. */
    private record Selection(Optional<String> namespace, String name) {
        /** Also in kubectl's form, {@code pod/NAME}. */
        static Selection of(String text) {
            int kind = text.indexOf('/');
            String plain = kind > 0 && KINDS.contains(text.substring(0, kind)) ? text.substring(kind + 1) : text;
            int slash = plain.indexOf('/');
            return slash < 0
                    ? new Selection(Optional.empty(), plain)
                    : new Selection(Optional.of(plain.substring(0, slash)), plain.substring(slash + 1));
        }

        boolean isMeant(Pod candidate) {
            return name.equals(candidate.name())
                    && namespace.map(candidate.namespace()::equals).orElse(true);
        }

        @Override
        public String toString() {
            return namespace.map(named -> named + "/").orElse("") + name;
        }
    }
}
