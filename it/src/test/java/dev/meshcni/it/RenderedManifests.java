// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.marcnuri.helm.Helm;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import dev.meshcni.manifest.KubernetesVersion;
import dev.meshcni.manifest.ManifestInput;
import dev.meshcni.manifest.NodeManifests;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Resources that the chart or {@code meshcni manifest} gives.
 *
 * @param resources by kind, namespace and name
 */
record RenderedManifests(Map<String, HasMetadata> resources) {
    private static final Path CHART =
            Path.of("../deploy/helm/istio-cni").toAbsolutePath().normalize();

    /** What the chart gives for values; their file is written into a directory. */
    static RenderedManifests ofChart(Path directory, String namespace, String values) throws IOException {
        return ofChart(directory, namespace, values, "1.32.0");
    }

    /** The same for a version of Kubernetes. */
    static RenderedManifests ofChart(Path directory, String namespace, String values, String kubernetes)
            throws IOException {
        Path file = Files.writeString(directory.resolve("values.yaml"), values);
        String yaml = new Helm(CHART)
                .template()
                .withName("mesh-cni")
                .withNamespace(namespace)
                .withKubeVersion(kubernetes)
                .withValuesFile(file)
                .call();
        checkTexts(yaml);
        return of(yaml);
    }

    /** What {@code meshcni manifest} gives for a file. */
    static RenderedManifests ofCommand(String namespace, String text) {
        return of(NodeManifests.of(new ManifestInput(
                        List.of(new ManifestInput.Document("values.yaml", text)),
                        List.of(),
                        Optional.empty(),
                        Optional.of(namespace)))
                .yaml());
    }

    /** The same for a version of Kubernetes. */
    static RenderedManifests ofCommand(String namespace, String text, String kubernetes) {
        return of(NodeManifests.of(new ManifestInput(
                        List.of(new ManifestInput.Document("values.yaml", text)),
                        List.of(),
                        Optional.empty(),
                        Optional.of(namespace),
                        Optional.of(KubernetesVersion.parse(kubernetes))))
                .yaml());
    }

    static RenderedManifests of(String yaml) {
        Object read = new KubernetesSerialization().unmarshal(yaml);
        return new RenderedManifests(((Collection<?>) read)
                .stream()
                        .map(HasMetadata.class::cast)
                        .collect(Collectors.toMap(
                                resource -> resource.getKind() + " "
                                        + resource.getMetadata().getNamespace() + "/"
                                        + resource.getMetadata().getName(),
                                Function.identity(),
                                (first, second) -> {
                                    throw new IllegalStateException("twice: " + first);
                                },
                                TreeMap::new)));
    }

    /** The API server takes only strings for these, where the model above takes numbers and booleans as well. */
    private static void checkTexts(String yaml) {
        for (Yaml.Mapping document : YamlFile.documents("the chart", yaml)) {
            checkTexts(document);
        }
    }

    private static void checkTexts(Yaml part) {
        switch (part) {
            case Yaml.Mapping mapping ->
                mapping.entries().forEach((key, entry) -> {
                    if (List.of("labels", "annotations", "data").contains(key)
                            && entry.value() instanceof Yaml.Mapping texts) {
                        texts.entries().forEach((name, text) -> {
                            if (!(text.value().json() instanceof String)) {
                                throw new IllegalStateException(key + "." + name + " is not a string: " + text);
                            }
                        });
                    }
                    checkTexts(entry.value());
                });
            case Yaml.Sequence list -> list.items().forEach(RenderedManifests::checkTexts);
            case Yaml.Scalar _ -> {}
        }
    }
}
