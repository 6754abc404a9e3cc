// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

/** A place on a packet's way through the kernel where our rules stand ({@code iptables(8)}). */
public enum Hook {
    /** Packets that arrive, from outside or through the loopback device. */
    PREROUTING,
    /** Packets that a process of the pod sends. */
    OUTPUT;

    /** The built-in chain of this hook. */
    public String chain() {
        return name();
    }
}
