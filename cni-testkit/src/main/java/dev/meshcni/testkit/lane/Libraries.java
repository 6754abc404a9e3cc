// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What Maven takes from its repository for the tests of some modules: each artifact in one version. */
final class Libraries {
    private Libraries() {}

    /**
     * The files, in the order of the modules' class paths.
     *
     * @throws IllegalStateException if the modules need different versions of one
     */
    static List<Path> of(Collection<CompiledModule> modules) {
        Set<Path> ours = modules.stream().map(CompiledModule::target).collect(Collectors.toSet());
        Map<Path, Path> libraries = new LinkedHashMap<>();
        for (CompiledModule module : modules) {
            for (Path library : module.testClassPath()) {
                if (ours.contains(library.getParent()) || library.endsWith("pom.xml")) {
                    continue;
                }
                Path other = libraries.putIfAbsent(artifact(library), library);
                if (other != null && !other.equals(library)) {
                    throw new IllegalStateException("%s needs %s, another module %s: give it a version in pom.xml"
                            .formatted(module.name(), library.getFileName(), other.getFileName()));
                }
            }
        }
        return List.copyOf(libraries.values());
    }

    /** The path in the repository, {@code group/artifact/version/artifact-version.jar}, without the version. */
    private static Path artifact(Path library) {
        Path version = library.getParent();
        return version.resolveSibling(
                library.getFileName().toString().replace(version.getFileName().toString(), ""));
    }
}
