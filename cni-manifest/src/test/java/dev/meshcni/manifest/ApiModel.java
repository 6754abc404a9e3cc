// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.config.Yaml;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The types that an API server of one version knows: fabric8's model of that version, apart from the one that the
 * product uses. Reading is strict, as an API server's validation of fields is.
 */
final class ApiModel implements AutoCloseable {
    private static final String PACKAGE = "io.fabric8.kubernetes.api.model.";
    private static final String MONITORING = "io.fabric8.openshift.api.model.monitoring.v1.";

    private static final Map<String, String> TYPES = Map.ofEntries(
            Map.entry("v1 ConfigMap", PACKAGE + "ConfigMap"),
            Map.entry("v1 ResourceQuota", PACKAGE + "ResourceQuota"),
            Map.entry("v1 ServiceAccount", PACKAGE + "ServiceAccount"),
            Map.entry("apps/v1 DaemonSet", PACKAGE + "apps.DaemonSet"),
            Map.entry("networking.k8s.io/v1 NetworkPolicy", PACKAGE + "networking.v1.NetworkPolicy"),
            Map.entry("rbac.authorization.k8s.io/v1 ClusterRole", PACKAGE + "rbac.ClusterRole"),
            Map.entry("rbac.authorization.k8s.io/v1 ClusterRoleBinding", PACKAGE + "rbac.ClusterRoleBinding"),
            Map.entry("rbac.authorization.k8s.io/v1 Role", PACKAGE + "rbac.Role"),
            Map.entry("rbac.authorization.k8s.io/v1 RoleBinding", PACKAGE + "rbac.RoleBinding"),
            Map.entry("monitoring.coreos.com/v1 PodMonitor", MONITORING + "PodMonitor"),
            Map.entry("monitoring.coreos.com/v1 PrometheusRule", MONITORING + "PrometheusRule"));

    private final ObjectMapper strict = StrictModel.mapper();
    private final URLClassLoader loader;

    private ApiModel(URLClassLoader loader) {
        this.loader = loader;
    }

    /** Kubernetes of this version, which the build has put beside the classes. */
    static ApiModel ofKubernetes(String version) {
        return new ApiModel(new URLClassLoader(jars(version), ApiModel.class.getClassLoader()) {
            // The model from its jars, all else from where the tests have it.
            @Override
            protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
                if (!name.startsWith("io.fabric8.")) {
                    return super.loadClass(name, resolve);
                }
                synchronized (getClassLoadingLock(name)) {
                    Class<?> loaded = findLoadedClass(name);
                    return loaded == null ? findClass(name) : loaded;
                }
            }
        });
    }

    /** Kubernetes as the product knows it. */
    static ApiModel ofToday() {
        return new ApiModel(new URLClassLoader(new URL[0], ApiModel.class.getClassLoader()));
    }

    /** The kinds of those documents that there is no type for. */
    List<String> unknown(List<Yaml.Mapping> documents) {
        return documents.stream()
                .map(ApiModel::kind)
                .filter(kind -> type(kind).isEmpty())
                .toList();
    }

    /**
     * Reads a document as the type that it says it is.
     *
     * @throws IllegalArgumentException if it has a field that the type has not, or a value of the wrong kind
     */
    void check(Yaml.Mapping document) {
        type(kind(document)).ifPresent(type -> strict.convertValue(document.plain(), type));
    }

    /** Returns whether a type of the core group has a property. */
    boolean has(String type, String property) {
        try {
            return Stream.of(loader.loadClass(PACKAGE + type).getDeclaredFields())
                    .anyMatch(field -> field.getName().equals(property));
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException {
        loader.close();
    }

    private Optional<Class<?>> type(String kind) {
        try {
            return Optional.of(loader.loadClass(TYPES.getOrDefault(kind, "none")));
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        }
    }

    private static String kind(Yaml.Mapping document) {
        Map<String, Yaml.Entry> entries = document.entries();
        return entries.get("apiVersion").value().plain() + " "
                + entries.get("kind").value().plain();
    }

    private static URL[] jars(String directory) {
        try (Stream<Path> files = Files.list(Path.of("../cni-manifest/target/kubernetes-models", directory))) {
            return files.map(Path::toUri)
                    .map(file -> {
                        try {
                            return file.toURL();
                        } catch (MalformedURLException e) {
                            throw new UncheckedIOException(e);
                        }
                    })
                    .toArray(URL[]::new);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
