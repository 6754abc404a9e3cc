// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

/**
 * A transport protocol that the rules tell apart.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public enum TransportProtocol {
    TCP("tcp"),
    UDP("udp");

    private final String label;

    TransportProtocol(String label) {
        this.label = label;
    }

    /** The name in {@code /etc/protocols}, as {@code iptables -p} takes it. */
    public String label() {
        return label;
    }
}
