// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

/**
 * A table of netfilter, in the order in which a packet meets them at one hook ({@code iptables(8)}).
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public enum Table {
    RAW("raw"),
    MANGLE("mangle"),
    NAT("nat");

    private final String label;

    Table(String label) {
        this.label = label;
    }

    /** The name as {@code iptables -t} takes it. */
    public String label() {
        return label;
    }
}
