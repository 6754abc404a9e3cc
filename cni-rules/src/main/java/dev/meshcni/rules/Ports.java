// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

/** The range of a TCP or UDP port. */
public final class Ports {
    public static final int MAX = 65535;

    private Ports() {}

    public static int check(int port) {
        if (port < 0 || port > MAX) {
            throw new IllegalArgumentException("port " + port + " is not in 0.." + MAX);
        }
        return port;
    }
}
