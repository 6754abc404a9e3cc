// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The manifests of another component, from a file that the caller names. */
record ForeignManifests(String yaml) implements AutoCloseable {
    ForeignManifests {
        requireNonNull(yaml, "yaml is null");
    }

    /** Skips the test where the setting is missing. */
    static ForeignManifests named(Setting file) {
        try {
            return new ForeignManifests(Files.readString(Path.of(file.needed())));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the file of " + file, e);
        }
    }

    /** Applies them, and waits until their Deployments and then their DaemonSets are rolled out. */
    void applyAndAwait() {
        Cluster.kubectl(yaml, "apply", "--filename=-");
        List<HasMetadata> resources = Installation.resources(yaml);
        resources.stream().filter(Deployment.class::isInstance).forEach(ForeignManifests::awaitRollout);
        resources.stream().filter(DaemonSet.class::isInstance).forEach(ForeignManifests::awaitRollout);
    }

    private static void awaitRollout(HasMetadata workload) {
        Cluster.kubectl(
                "",
                "rollout",
                "status",
                "--namespace="
                        + Optional.ofNullable(workload.getMetadata().getNamespace())
                                .orElse("default"),
                workload.getKind() + "/" + workload.getMetadata().getName(),
                "--timeout=90s");
    }

    /** Returns when their pods are gone, too. */
    @Override
    public void close() {
        Cluster.kubectl(yaml, "delete", "--filename=-", "--ignore-not-found", "--cascade=foreground");
    }
}
