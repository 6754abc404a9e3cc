// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import java.util.List;
import java.util.Optional;

/**
 * Fields of a plugin's configuration by their names. An absent field, or one that is {@code null}, is empty; one of the
 * wrong type is a {@link CniException} with {@link ErrorCode#INVALID_NETWORK_CONFIG} that names it.
 *
 * <p>API status: STABLE (docs/versioning.md).
 *
 * @since 0.1.0
 */
public interface ConfigFields {
    /** A field that is a string. */
    Optional<String> text(String field);

    /** A field that is a list of strings; an absent one is an empty list. */
    List<String> strings(String field);
}
