// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.spi.ChainAdapter;
import dev.meshcni.config.DaemonException;
import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds the chain adapters: those of this installation, and those in jars that were dropped into a directory, each a
 * module that provides one.
 */
final class ChainAdapterJars {
    private ChainAdapterJars() {}

    /**
     * The adapters of this installation and of a directory of jars.
     *
     * @throws DaemonException if a jar cannot be used: with an adapter missing a plugin could be installed wrongly on
     *     every node, so nothing is
     */
    static ChainAdapters load(Optional<Path> directory) {
        try {
            return directory.map(ChainAdapterJars::layer).map(ChainAdapters::in).orElseGet(ChainAdapters::installed);
        } catch (FindException | ResolutionException | LayerInstantiationException | ServiceConfigurationError e) {
            throw new DaemonException(
                    "cannot load chain adapters from "
                            + directory.map(Path::toString).orElse("this installation") + ": " + reason(e),
                    e);
        }
    }

    /** The jars of a directory that nothing is taken from, as they provide no adapter. */
    static List<Path> idle(Path directory) {
        return jars(directory).findAll().stream()
                .filter(jar -> jar.descriptor().provides().stream()
                        .noneMatch(service -> service.service().equals(ChainAdapter.class.getName())))
                .flatMap(jar -> jar.location().stream())
                .map(Path::of)
                .sorted()
                .toList();
    }

    private static ModuleLayer layer(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new DaemonException("chain adapter directory " + directory + " does not exist");
        }
        ModuleFinder jars = jars(directory);
        Set<String> modules = jars.findAll().stream()
                .map(ModuleReference::descriptor)
                .map(descriptor -> descriptor.name())
                .collect(Collectors.toUnmodifiableSet());
        ModuleLayer own = ownLayer();
        Configuration configuration =
                Configuration.resolve(jars, List.of(own.configuration()), ModuleFinder.of(), modules);
        return ModuleLayer.defineModulesWithOneLoader(
                        configuration, List.of(own), ChainAdapterJars.class.getClassLoader())
                .layer();
    }

    /** Beside the jars may be what they are made of, as in the directory of a build. */
    private static ModuleFinder jars(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return ModuleFinder.of(files.filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .toArray(Path[]::new));
        } catch (IOException e) {
            throw new DaemonException(
                    "cannot read the chain adapter directory " + directory + ": " + e.getMessage(), e);
        }
    }

    private static ModuleLayer ownLayer() {
        return Optional.ofNullable(ChainAdapterJars.class.getModule().getLayer())
                .orElseGet(ModuleLayer::boot);
    }

    private static String reason(Throwable failure) {
        return failure.getCause() == null
                ? String.valueOf(failure.getMessage())
                : failure.getMessage() + ": " + failure.getCause().getMessage();
    }
}
