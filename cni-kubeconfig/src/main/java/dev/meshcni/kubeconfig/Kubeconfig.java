// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.config.Yaml;
import dev.meshcni.config.YamlFile;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Kubeconfig files, merged as kubectl merges them: of a name that several files have, and of the current context, the
 * first wins; paths are relative to the file in which they stand.
 */
public final class Kubeconfig {
    private final String name;
    private final Map<String, Section> contexts = new LinkedHashMap<>();
    private final Map<String, Section> clusters = new LinkedHashMap<>();
    private final Map<String, Section> users = new LinkedHashMap<>();
    private String currentContext = "";

    private Kubeconfig(String name) {
        this.name = name;
    }

    /**
     * Reads files.
     *
     * @param files at least one
     * @throws DaemonException if one cannot be read, or is no kubeconfig
     */
    public static Kubeconfig read(List<Path> files) {
        Kubeconfig merged = new Kubeconfig(
                "kubeconfig " + files.stream().map(Path::toString).collect(Collectors.joining(", ")));
        files.stream().map(Path::toAbsolutePath).forEach(merged::add);
        return merged;
    }

    /**
     * The access that a context describes.
     *
     * @param context the name of a context; empty for the current one
     * @param environment the variables that may name a proxy
     * @throws DaemonException if the context, its cluster or its user is missing or unusable
     */
    public ClusterAccess access(Optional<String> context, Map<String, String> environment) {
        requireNonNull(environment, "environment is null");
        Section found = context(context);
        String clusterName =
                found.text("cluster").orElseThrow(() -> new DaemonException(found.place() + " names no cluster"));
        Section cluster = referenced(found, "cluster", clusterName, clusters);
        Section user = found.text("user")
                .map(userName -> referenced(found, "user", userName, users))
                .orElseGet(() -> found.empty("user \"\""));
        return ClusterAccess.of(found, cluster, user, environment);
    }

    private Section context(Optional<String> wanted) {
        if (wanted.isEmpty() && currentContext.isEmpty()) {
            throw new DaemonException(name + " has no current-context; available contexts: " + contexts.keySet()
                    + "; choose one: kubectl config use-context NAME");
        }
        Section found = contexts.get(wanted.orElse(currentContext));
        if (found == null) {
            String missing = wanted.map(text -> " has no context \"" + text + "\"")
                    .orElse(": current context \"" + currentContext + "\" does not exist");
            throw new DaemonException(name + missing + "; available contexts: " + contexts.keySet());
        }
        return found;
    }

    private static Section referenced(Section context, String kind, String name, Map<String, Section> sections) {
        Section found = sections.get(name);
        if (found == null) {
            throw new DaemonException(context.place() + ": its " + kind + " \"" + name + "\" does not exist; available "
                    + kind + "s: " + sections.keySet());
        }
        return found;
    }

    private void add(Path file) {
        for (Yaml.Mapping document : YamlFile.documents("kubeconfig " + file, text(file))) {
            Section whole = new Section(file, "kubeconfig " + file, document);
            whole.text("kind").filter(kind -> !kind.equals("Config")).ifPresent(kind -> {
                throw new DaemonException("kubeconfig " + file + " is a " + kind + ", not a Config");
            });
            if (currentContext.isEmpty()) {
                currentContext = whole.text("current-context").orElse("");
            }
            add(whole, "context", contexts);
            add(whole, "cluster", clusters);
            add(whole, "user", users);
        }
    }

    private static void add(Section file, String kind, Map<String, Section> sections) {
        Map<String, Section> ofFile = new LinkedHashMap<>();
        for (Section item : file.list(kind + "s")) {
            String name = item.text("name")
                    .orElseThrow(() -> new DaemonException(item.place() + ": a " + kind + " has no name"));
            String place = file.place() + ": " + kind + " \"" + name + "\"";
            if (ofFile.put(name, item.section(kind, place)) != null) {
                throw new DaemonException(place + " is there twice");
            }
        }
        ofFile.forEach(sections::putIfAbsent);
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new DaemonException("kubeconfig " + file + " does not exist", e);
        } catch (CharacterCodingException e) {
            throw new DaemonException("kubeconfig " + file + " is not UTF-8 text", e);
        } catch (IOException e) {
            throw new DaemonException("kubeconfig " + file + " is not readable for this user: " + e.getMessage(), e);
        }
    }
}
