// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

/**
 * Well-known error codes of the CNI specification 1.1, section 5, "Error"; 100 and above are a plugin's own.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class ErrorCode {
    /** The configuration's {@code cniVersion} is not supported. */
    public static final int INCOMPATIBLE_VERSION = 1;
    /** The configuration has a field that is not supported; the message names it. */
    public static final int UNSUPPORTED_FIELD = 2;
    /** The container is unknown or does not exist; the runtime need not clean up. */
    public static final int UNKNOWN_CONTAINER = 3;
    /** A necessary environment variable is missing or invalid; the message names it. */
    public static final int INVALID_ENVIRONMENT = 4;
    /** Reading or writing failed, such as standard input. */
    public static final int IO_FAILURE = 5;
    /** Standard input could not be decoded. */
    public static final int DECODING_FAILURE = 6;
    /** The network configuration is invalid. */
    public static final int INVALID_NETWORK_CONFIG = 7;
    /** Not to be retried before a transient condition has cleared; the runtime should try again later. */
    public static final int TRY_AGAIN_LATER = 11;
    /** STATUS: the plugin cannot serve ADD. */
    public static final int PLUGIN_NOT_AVAILABLE = 50;
    /** STATUS: the plugin cannot serve ADD, and running containers may have lost connectivity. */
    public static final int LIMITED_CONNECTIVITY = 51;
    /** A failure of the plugin that has no code of its own, as libcni has it. */
    public static final int INTERNAL = 999;

    private ErrorCode() {}
}
