// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElseGet;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonMappingException;
import dev.meshcni.config.DaemonException;
import dev.meshcni.config.ManifestException;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import dev.meshcni.redirect.Pod;
import dev.meshcni.rules.CutField;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesList;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads Pod manifests, in YAML or JSON, one or several documents in a file. */
public final class PodManifests {
    private static final KubernetesSerialization SERIALIZATION = ApiSerialization.create();

    private PodManifests() {}

    /**
     * A pod as a manifest shows it.
     *
     * @param addresses {@code status.podIPs}, in order; empty where the pod has none yet
     */
    public record Shown(Pod pod, List<InetAddress> addresses) {
        public Shown {
            requireNonNull(pod, "pod is null");
            addresses = List.copyOf(addresses);
        }

        /** A pod as the API server has it. */
        public static Shown of(io.fabric8.kubernetes.api.model.Pod pod) {
            return new Shown(PodModel.of(pod, cut(pod)), addressesOf(pod));
        }
    }

    /**
     * The pods in a file; what is not a Pod is passed over.
     *
     * @throws DaemonException if the file cannot be read or is not a manifest, with its name and the position
     */
    public static List<Pod> read(Path file) {
        return show(file).stream().map(Shown::pod).toList();
    }

    /**
     * The same with the addresses that the pods have.
     *
     * @throws DaemonException as {@link #read(Path)}
     */
    public static List<Shown> show(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return show(file.toString(), in);
        } catch (NoSuchFileException e) {
            throw new DaemonException(file + " does not exist", e);
        } catch (IOException e) {
            throw new DaemonException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * The pods in a manifest; what is not a Pod is passed over.
     *
     * @param name what the manifest is called in errors
     * @throws DaemonException if it is not a manifest, with its name and the position
     */
    public static List<Shown> show(String name, InputStream manifest) {
        try {
            return YamlFile.documents(name, manifest.readAllBytes()).stream()
                    .flatMap(PodManifests::pods)
                    .toList();
        } catch (IOException e) {
            throw new DaemonException(name + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static Stream<Shown> pods(Yaml.Mapping document) {
        try {
            return resources(SERIALIZATION.unmarshal(SERIALIZATION.asJson(document.json())))
                    .filter(io.fabric8.kubernetes.api.model.Pod.class::isInstance)
                    .map(io.fabric8.kubernetes.api.model.Pod.class::cast)
                    .map(Shown::of)
                    .toList()
                    .stream();
        } catch (RuntimeException e) {
            throw new ManifestException(List.of(problem(document, e)));
        }
    }

    /** The place in the document that a failure is about, and the path to it. */
    private static ManifestException.Problem problem(Yaml.Mapping document, RuntimeException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof JsonMappingException wrong && !wrong.getPath().isEmpty()) {
                List<Object> path = wrong.getPath().stream()
                        .map(step -> step.getFieldName() == null ? (Object) step.getIndex() : step.getFieldName())
                        .toList();
                return ManifestException.Problem.of(
                        document.locate(path), dotted(path) + " has the wrong type for this Kubernetes field");
            }
        }
        String reason = failure instanceof DaemonException ? ": " + failure.getMessage() : "";
        return ManifestException.Problem.of(document.at(), "is not a valid Kubernetes manifest" + reason);
    }

    private static String dotted(List<Object> path) {
        return path.stream()
                .map(step -> step instanceof Integer index ? "[" + index + "]" : "." + step)
                .collect(Collectors.joining())
                .replaceFirst("^\\.", "");
    }

    /** What the agent would not read of the pod, because it is too large: it refuses such pods, and so do commands. */
    private static List<CutField> cut(io.fabric8.kubernetes.api.model.Pod pod) {
        try (JsonParser json = JsonFields.factory().createParser(SERIALIZATION.asJson(pod))) {
            json.nextToken();
            return PodJson.read(json, Set.of()).cut();
        } catch (IOException e) {
            throw new UncheckedIOException("a pod is well-formed JSON", e);
        }
    }

    private static List<InetAddress> addressesOf(io.fabric8.kubernetes.api.model.Pod pod) {
        PodStatus status = requireNonNullElseGet(pod.getStatus(), PodStatus::new);
        return PodModel.addresses(status).map(PodManifests::address).toList();
    }

    private static InetAddress address(String text) {
        try {
            return InetAddress.ofLiteral(text);
        } catch (IllegalArgumentException e) {
            throw new DaemonException("the address '" + text + "' in its status is none", e);
        }
    }

    private static Stream<?> resources(Object document) {
        return switch (document) {
            case null -> Stream.empty();
            case KubernetesList list -> list.getItems().stream();
            case Collection<?> documents -> documents.stream().flatMap(PodManifests::resources);
            case GenericKubernetesResource _ -> Stream.empty();
            case HasMetadata resource -> Stream.of(resource);
            default -> throw new DaemonException("not a Kubernetes resource");
        };
    }
}
