// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.util.Map;
import java.util.Objects;

/**
 * One call of a plugin: its environment and what it read from standard input (CNI specification 1.1, section 2).
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @param environment the variables
 * @param config the configuration
 * @since 0.1.0
 */
public record CniRequest(CniEnvironment environment, PluginConfig config) {
    public CniRequest {
        Objects.requireNonNull(environment, "environment is null");
        Objects.requireNonNull(config, "config is null");
    }

    /**
     * Parses and validates a call. Whatever is wrong with it is a {@link CniException}; nothing else is ever thrown.
     *
     * <p>As in libcni, CHECK, GC and STATUS with a configuration whose version does not have them yet are errors, with
     * {@link ErrorCode#INCOMPATIBLE_VERSION}.
     *
     * <p>VERSION is how a runtime finds out what a plugin can speak, so it is answered whatever version it is asked in:
     * standard input may then be empty (as before 1.0.0) and need not have a name.
     */
    public static CniRequest parse(Map<String, String> env, byte[] stdin) {
        CniEnvironment environment = CniEnvironment.parse(env);
        return new CniRequest(
                environment,
                switch (environment.command()) {
                    case ADD, CHECK, DEL, GC, STATUS -> allowing(environment.command(), PluginConfig.parse(stdin));
                    case VERSION -> PluginConfig.parseForVersion(stdin);
                });
    }

    private static PluginConfig allowing(CniCommand command, PluginConfig config) {
        command.requireIn(config.cniVersion());
        return config;
    }

    /** The verb of the request. */
    public CniCommand command() {
        return environment.command();
    }
}
