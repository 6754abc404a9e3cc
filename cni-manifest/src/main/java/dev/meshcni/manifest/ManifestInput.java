// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * The input for manifests. Later documents and settings take precedence.
 *
 * @param documents files with an {@code IstioOperator}, or with values as for the Helm chart
 * @param settings further settings, which take precedence over documents
 * @param platform the platform, where the documents do not have to say it
 * @param namespace the namespace, where the documents do not have to say it
 * @param kubernetes the version of the cluster; without it, one that has all fields is assumed
 */
public record ManifestInput(
        List<Document> documents,
        List<Setting> settings,
        Optional<Platform> platform,
        Optional<String> namespace,
        Optional<KubernetesVersion> kubernetes) {
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

    /**
     * A setting of the command line, {@code KEY.KEY=VALUE}, or several separated by commas.
     *
     * @param file gives the text of the file with a name, for {@link Kind#FILE}
     */
    public record Setting(Kind kind, String text, UnaryOperator<String> file) {
        /** How the value is meant. */
        public enum Kind {
            /** As a number, a boolean, nothing, or a string. */
            VALUE("--set"),
            /** As a string, whatever it looks like. */
            STRING("--set-string"),
            /** As the name of a file whose text is the value. */
            FILE("--set-file");

            private final String option;

            Kind(String option) {
                this.option = option;
            }

            /** The option of the command line. */
            public String option() {
                return option;
            }
        }

        public Setting {
            requireNonNull(kind, "kind is null");
            requireNonNull(text, "text is null");
            requireNonNull(file, "file is null");
        }

        /** A setting whose value does not come from a file. */
        public static Setting of(Kind kind, String text) {
            return new Setting(kind, text, UnaryOperator.identity());
        }
    }

    public ManifestInput {
        documents = List.copyOf(documents);
        settings = List.copyOf(settings);
        requireNonNull(platform, "platform is null");
        requireNonNull(namespace, "namespace is null");
        requireNonNull(kubernetes, "kubernetes is null");
    }

    /** The same for a cluster of today. */
    public ManifestInput(
            List<Document> documents, List<Setting> settings, Optional<Platform> platform, Optional<String> namespace) {
        this(documents, settings, platform, namespace, Optional.empty());
    }
}
