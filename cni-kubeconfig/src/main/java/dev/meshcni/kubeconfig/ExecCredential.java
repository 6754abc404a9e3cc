// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;

/**
 * What an exec plugin answered: a token, a client certificate with its key, or both.
 *
 * @param expiry from when on it has to be asked again; empty if it did not say
 */
record ExecCredential(
        Optional<String> token,
        Optional<Section.Material> certificate,
        Optional<Section.Material> key,
        Optional<Instant> expiry) {
    ExecCredential {
        requireNonNull(token, "token is null");
        requireNonNull(certificate, "certificate is null");
        requireNonNull(key, "key is null");
        requireNonNull(expiry, "expiry is null");
    }
}
