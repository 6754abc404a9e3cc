// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.core.spi.RedirectException;
import java.util.function.Consumer;

/** A kernel without nf_tables, as far as the detection is concerned. */
final class LegacyOnly {
    static final Consumer<NftExemptions> KERNEL = _ -> {
        throw new RedirectException("this kernel has no nf_tables");
    };

    private LegacyOnly() {}
}
