// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.chain;

import dev.meshcni.api.Quote;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.spi.ChainAdapter;

/**
 * Answers for every base CNI that no other adapter knows: our plugin comes last in its list, and its result must have
 * an address.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class GenericChainAdapter implements ChainAdapter {
    /** For {@link java.util.ServiceLoader}. */
    public GenericChainAdapter() {}

    @Override
    public String name() {
        return "generic";
    }

    @Override
    public Detection detect(ConfDirSnapshot dir, InstallSettings settings) {
        if (!settings.chained()) {
            return Detection.none("the plugin is not chained");
        }
        return ChainedConf.base(dir, settings)
                .map(file -> new Detection(
                        Detection.Confidence.FALLBACK,
                        file.name(),
                        "network " + Quote.of(file.list().name()) + " of "
                                + file.list().plugins().getFirst().type()))
                .orElseGet(() -> new Detection(Detection.Confidence.FALLBACK, "", "no base CNI yet"));
    }
}
