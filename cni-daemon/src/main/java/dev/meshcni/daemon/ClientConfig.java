package dev.meshcni.daemon;

import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Finds out how the API server is reached, without asking it. */
final class ClientConfig {
    private ClientConfig() {}

    /**
     * The configuration of a client.
     *
     * @param kubeconfig a kubeconfig file; empty for the one that {@code KUBECONFIG} names, the one in the home directory, or
     *     the ServiceAccount of the pod that this runs in
     * @param context a context of the kubeconfig; empty for its current one
     * @param requestTimeout how long one request may take
     * @throws DaemonException if the kubeconfig cannot be read, or has no such context
     */
    static Config of(Optional<Path> kubeconfig, Optional<String> context, Duration requestTimeout) {
        kubeconfig.filter(file -> !Files.isReadable(file)).ifPresent(file -> {
            throw new DaemonException("kubeconfig " + file + " cannot be read: there is no such file for this user");
        });
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
                    "kubeconfig" + file + " cannot be read: " + ApiFailure.shortened(String.valueOf(e.getMessage())),
                    e);
        }
    }

    private static void checkContext(Config config, String context) {
        List<String> names = Objects.requireNonNullElse(config.getContexts(), List.<NamedContext>of()).stream()
                .map(NamedContext::getName)
                .toList();
        if (!names.contains(context)) {
            throw new DaemonException("the kubeconfig has no context \"" + context + "\"; it has " + names);
        }
    }
}
