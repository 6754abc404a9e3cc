// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.chain;

import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.spi.ChainAdapter;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * The chain adapters that are there, in the order of their names.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param all each adapter
 * @since 0.1.0
 */
public record ChainAdapters(List<ChainAdapter> all) {
    public ChainAdapters {
        all = all.stream().sorted(Comparator.comparing(ChainAdapter::name)).toList();
    }

    /**
     * An adapter that answers for a directory.
     *
     * @param adapter the adapter
     * @param detection how it recognised the directory
     */
    public record Choice(ChainAdapter adapter, Detection detection) {
        public Choice {
            Objects.requireNonNull(adapter, "adapter is null");
            Objects.requireNonNull(detection, "detection is null");
        }
    }

    /**
     * The adapters of the modules that this program was started with.
     *
     * @throws java.util.ServiceConfigurationError if a provider cannot be made
     */
    public static ChainAdapters installed() {
        return new ChainAdapters(ServiceLoader.load(ChainAdapter.class).stream()
                .map(ServiceLoader.Provider::get)
                .toList());
    }

    /**
     * The adapters of a layer and of the layers below it, such as jars that were dropped into a directory.
     *
     * @throws java.util.ServiceConfigurationError if a provider cannot be made
     */
    public static ChainAdapters in(ModuleLayer layer) {
        return new ChainAdapters(ServiceLoader.load(layer, ChainAdapter.class).stream()
                .map(ServiceLoader.Provider::get)
                .toList());
    }

    /** The most confident adapter; of several that are equally sure the first by name. */
    public Optional<Choice> choose(ConfDirSnapshot dir, InstallSettings settings) {
        return all.stream()
                .map(adapter -> new Choice(adapter, adapter.detect(dir, settings)))
                .filter(choice -> choice.detection().claimed())
                .min(Comparator.comparing((Choice choice) -> choice.detection().confidence())
                        .reversed());
    }

    /** An adapter by its name. */
    public Optional<ChainAdapter> named(String name) {
        return all.stream().filter(adapter -> adapter.name().equals(name)).findFirst();
    }
}
