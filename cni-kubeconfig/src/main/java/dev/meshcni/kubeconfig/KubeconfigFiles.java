// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import dev.meshcni.config.DaemonException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds the kubeconfig files of a user in the order of kubectl: the flag, {@code KUBECONFIG}, the home directory. */
public final class KubeconfigFiles {
    private KubeconfigFiles() {}

    /**
     * The files to read; none where nobody named one and the home directory has none, as in a pod.
     *
     * @param named the file of a flag
     * @param environment {@code KUBECONFIG}, with several files separated by colons, of which some may be missing, and
     *     {@code HOME}
     * @throws DaemonException if {@code KUBECONFIG} names files, and none of them exists
     */
    public static List<Path> find(Optional<Path> named, Map<String, String> environment) {
        if (named.isPresent()) {
            return List.of(named.get());
        }
        List<Path> listed = Arrays.stream(
                        environment.getOrDefault("KUBECONFIG", "").split(File.pathSeparator, -1))
                .filter(text -> !text.isEmpty())
                .map(Path::of)
                .toList();
        if (!listed.isEmpty()) {
            List<Path> present = listed.stream().filter(Files::exists).toList();
            if (present.isEmpty()) {
                throw new DaemonException("KUBECONFIG names " + listed + ", and "
                        + (listed.size() == 1 ? "that file does not exist" : "none of these files exists"));
            }
            return present;
        }
        Path ofHome = Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")), ".kube", "config");
        return hasContent(ofHome) ? List.of(ofHome) : List.of();
    }

    private static boolean hasContent(Path file) {
        try {
            return Files.isRegularFile(file) && Files.size(file) > 0;
        } catch (IOException e) {
            throw new DaemonException("kubeconfig " + file + " cannot be read: " + e.getMessage(), e);
        }
    }
}
