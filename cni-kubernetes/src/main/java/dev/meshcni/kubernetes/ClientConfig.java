// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.config.DaemonException;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import dev.meshcni.core.ShortLine;
import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Finds out how the API server is reached, without asking it. */
public final class ClientConfig {
    private ClientConfig() {}

    /**
     * The configuration of a client.
     *
     * @param kubeconfig a kubeconfig file; empty for the one that {@code KUBECONFIG} names, the one in the home
     *     directory, or the ServiceAccount of the pod that this runs in
     * @param context a context of the kubeconfig; empty for its current one
     * @param requestTimeout how long one request may take
     * @throws DaemonException if the kubeconfig cannot be read, or has no such context, or no current one where it has
     *     to have one
     */
    public static Config of(Optional<Path> kubeconfig, Optional<String> context, Duration requestTimeout) {
        kubeconfig.filter(file -> !Files.isReadable(file)).ifPresent(file -> {
            throw new DaemonException("kubeconfig " + file + " does not exist or is not readable for this user");
        });
        if (context.isEmpty()) {
            kubeconfig.or(ClientConfig::namedByEnvironment).ifPresent(ClientConfig::checkCurrentContext);
        }
        Config config = read(kubeconfig, context);
        context.ifPresent(name -> checkContext(config, name));
        config.setRequestTimeout(Math.toIntExact(requestTimeout.toMillis()));
        config.setConnectionTimeout(Math.toIntExact(requestTimeout.toMillis()));
        return config;
    }

    private static Config read(Optional<Path> kubeconfig, Optional<String> context) {
        try {
            return kubeconfig
                    .map(file -> Config.fromKubeconfig(context.orElse(null), file.toFile()))
                    .orElseGet(() -> Config.autoConfigure(context.orElse(null)));
        } catch (RuntimeException e) {
            String file = kubeconfig.map(path -> " " + path).orElse("");
            throw new DaemonException(
                    "kubeconfig" + file + " cannot be read: " + ShortLine.of(String.valueOf(e.getMessage())), e);
        }
    }

    /** Several files, or none that can be read, are left to the client. */
    private static Optional<Path> namedByEnvironment() {
        return Optional.ofNullable(System.getenv("KUBECONFIG"))
                .filter(text -> !text.isEmpty() && !text.contains(File.pathSeparator))
                .map(Path::of)
                .filter(Files::isReadable);
    }

    /** Without its current context the client would pass the file over, and ask a server that nobody named. */
    private static void checkCurrentContext(Path kubeconfig) {
        Yaml.Mapping file = YamlFile.documents(kubeconfig.toString(), text(kubeconfig)).stream()
                .findFirst()
                .orElseThrow(() -> new DaemonException("kubeconfig " + kubeconfig + " is empty"));
        List<String> contexts = contexts(file);
        String current = text(file, "current-context").orElse("");
        if (current.isEmpty()) {
            throw new DaemonException(
                    "kubeconfig " + kubeconfig + " has no current-context; available contexts: " + contexts);
        }
        if (!contexts.contains(current)) {
            throw new DaemonException("kubeconfig " + kubeconfig + ": current context \"" + current
                    + "\" does not exist; available contexts: " + contexts);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new DaemonException("kubeconfig " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static List<String> contexts(Yaml.Mapping file) {
        Yaml.Entry contexts = file.entries().get("contexts");
        return contexts != null && contexts.value() instanceof Yaml.Sequence list
                ? list.items().stream()
                        .filter(Yaml.Mapping.class::isInstance)
                        .flatMap(item -> text((Yaml.Mapping) item, "name").stream())
                        .toList()
                : List.of();
    }

    private static Optional<String> text(Yaml.Mapping mapping, String key) {
        return Optional.ofNullable(mapping.entries().get(key))
                .map(entry -> String.valueOf(entry.value().plain()));
    }

    private static void checkContext(Config config, String context) {
        List<String> names = Objects.requireNonNullElse(config.getContexts(), List.<NamedContext>of()).stream()
                .map(NamedContext::getName)
                .toList();
        if (!names.contains(context)) {
            throw new DaemonException(
                    "the kubeconfig has no context \"" + context + "\"; available contexts: " + names);
        }
    }
}
