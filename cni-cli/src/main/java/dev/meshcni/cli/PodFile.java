// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.DaemonException;
import dev.meshcni.kubernetes.PodManifests;
import dev.meshcni.redirect.Pod;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** The pod that a command is about. */
final class PodFile {
    private static final String STDIN = "-";

    @Option(
            names = {"--pod"},
            required = true,
            paramLabel = "FILE",
            description = "Manifest of the pod, YAML or JSON, as printed by \"kubectl get pod NAME -o yaml\"; - for"
                    + " standard input.")
    private String file;

    @Option(
            names = "--name",
            paramLabel = "POD",
            description = "Pod to select, as NAME or NAMESPACE/NAME, if the file contains several.")
    private String name;

    /**
     * The selected pods, at least one.
     *
     * @throws DaemonException if there is none, or the file cannot be read
     */
    List<PodManifests.Shown> pods() {
        List<PodManifests.Shown> all =
                file.equals(STDIN) ? PodManifests.show("standard input", System.in) : PodManifests.show(Path.of(file));
        if (all.isEmpty()) {
            throw new DaemonException(source() + " contains no Pod; for a pod created from a template, such as a"
                    + " Deployment's, use the output of \"kubectl get pod NAME -o yaml\"");
        }
        List<PodManifests.Shown> meant =
                all.stream().filter(shown -> isMeant(shown.pod())).toList();
        if (meant.isEmpty()) {
            throw new DaemonException(source() + " contains no pod " + name + "; it contains " + names(all));
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
            throw new DaemonException(source() + " contains several pods; select one with --name: " + names(pods));
        }
        return pods.getFirst();
    }

    private boolean isMeant(Pod pod) {
        return Optional.ofNullable(name)
                .map(wanted -> wanted.equals(pod.name()) || wanted.equals(pod.qualifiedName()))
                .orElse(true);
    }

    private String source() {
        return file.equals(STDIN) ? "standard input" : file;
    }

    private static String names(List<PodManifests.Shown> pods) {
        return pods.stream().map(shown -> shown.pod().qualifiedName()).collect(Collectors.joining(", "));
    }
}
