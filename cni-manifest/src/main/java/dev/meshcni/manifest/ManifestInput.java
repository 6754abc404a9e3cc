// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;

/**
 * The input for manifests. Later documents and settings take precedence.
 *
 * @param documents files with an {@code IstioOperator}, or with values as for the Helm chart
 * @param settings further settings as {@code KEY.KEY=VALUE}, where the first key is one of an {@code IstioOperator}'s
 *     spec, such as {@code values}
 * @param platform the platform, where the documents do not have to say it
 * @param namespace the namespace, where the documents do not have to say it
 */
public record ManifestInput(
        List<Document> documents, List<String> settings, Optional<Platform> platform, Optional<String> namespace) {
    /**
     * A file.
     *
     * @param name what errors call it
     */
    public record Document(String name, String text) {
        public Document {
            requireNonNull(name, "name is null");
            requireNonNull(text, "text is null");
        }
    }

    public ManifestInput {
        documents = List.copyOf(documents);
        settings = List.copyOf(settings);
        requireNonNull(platform, "platform is null");
        requireNonNull(namespace, "namespace is null");
    }
}
