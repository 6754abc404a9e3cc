// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import dev.meshcni.api.CniException;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** The redirection backends of this node, by name. */
public final class Backends {
    /** The name of the backend that is used unless the configuration asks for another. */
    public static final String DEFAULT = "iptables";

    /** The name of the backend that {@code native_nftables} asks for. */
    public static final String NFTABLES = "nftables";

    private final Map<String, RedirectBackend> byName;

    private Backends(Map<String, RedirectBackend> byName) {
        this.byName = byName;
    }

    /** All the backends given; of two with the same name the first counts. */
    public static Backends of(Iterable<RedirectBackend> backends) {
        Map<String, RedirectBackend> byName = new TreeMap<>();
        backends.forEach(backend -> byName.putIfAbsent(backend.name(), backend));
        return new Backends(byName);
    }

    /** These backends, with the program that an operator chose for those that have a choice. */
    public Backends with(String program) {
        return each(backend -> backend.with(program));
    }

    /**
     * These backends, with the way that an operator chose for rules to go into the kernel.
     *
     * @param way {@code netlink} or {@code programs}
     */
    public Backends by(String way) {
        return each(backend -> backend.by(way));
    }

    /**
     * The backend that a plugin's configuration asks for.
     *
     * @throws RedirectException if this node has no such backend
     */
    public RedirectBackend of(PluginConfig config) {
        return named(config.bool("native_nftables").orElse(false) ? NFTABLES : DEFAULT);
    }

    /**
     * A backend that removes what the backend of a configuration has made. Each removes what any of them has made, so a
     * configuration that does not say clearly which one it was is no obstacle.
     */
    RedirectBackend forRemoval(PluginConfig config) {
        try {
            return of(config);
        } catch (CniException | RedirectException e) {
            return byName.values().iterator().next();
        }
    }

    /**
     * The backend of a name.
     *
     * @throws RedirectException if this node has no such backend
     */
    public RedirectBackend named(String name) {
        RedirectBackend backend = byName.get(name);
        if (backend == null) {
            throw new RedirectException("unknown redirection backend '" + name + "', available: " + byName.keySet());
        }
        return backend;
    }

    private Backends each(UnaryOperator<RedirectBackend> choice) {
        Map<String, RedirectBackend> chosen = new TreeMap<>();
        byName.forEach((name, backend) -> chosen.put(name, choice.apply(backend)));
        return new Backends(chosen);
    }
}
