// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.chain.GenericChainAdapter;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Checks that the base CNI has left what it promises, before anything is built on it.
 *
 * <p>The plugin's configuration names the chain adapter that installed it ({@value #ADAPTER}). Where it names none, as
 * in a configuration that Istio's installer wrote, the generic adapter checks the result that there is, and nobody
 * misses one that is not there: a standalone plugin gets none.
 */
public final class PrevResultCheck {
    /** The field of the plugin's configuration that names the adapter. */
    public static final String ADAPTER = "chain_adapter";

    private final ChainAdapters adapters;

    /** @param adapters the adapters of this installation */
    public PrevResultCheck(ChainAdapters adapters) {
        this.adapters = Objects.requireNonNull(adapters, "adapters is null");
    }

    /**
     * Checks a request's {@code prevResult}.
     *
     * @throws CniException with {@link PluginErrorCode#INVALID_PREV_RESULT} if something that was promised is not there
     */
    void verify(CniRequest request) {
        Optional<CniResult> prevResult = request.config().prevResult();
        Optional<String> named = request.config().text(ADAPTER).filter(name -> !name.isEmpty());
        if (named.isEmpty() && prevResult.isEmpty()) {
            return;
        }
        ChainAdapter adapter = named.isPresent() ? adapter(named.get()) : new GenericChainAdapter();
        List<String> violations = adapter.violations(new AttachmentContext(
                request.environment().ifName(), request.environment().netns(), prevResult));
        if (!violations.isEmpty()) {
            throw new CniException(
                    PluginErrorCode.INVALID_PREV_RESULT,
                    "result of the base CNI is incomplete: " + String.join("; ", violations),
                    "checked by the chain adapter " + adapter.name());
        }
    }

    private ChainAdapter adapter(String name) {
        return adapters.named(name)
                .orElseThrow(() -> new CniException(
                        ErrorCode.INVALID_NETWORK_CONFIG,
                        ADAPTER + " is \"" + name + "\", which is not installed",
                        "available: "
                                + adapters.all().stream()
                                        .map(ChainAdapter::name)
                                        .toList()));
    }
}
