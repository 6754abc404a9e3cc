// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

/** The range of a user or group id: an unsigned 32-bit number whose last value means "none" ({@code chown(2)}). */
public final class OwnerIds {
    public static final long MAX = 0xffff_fffeL;

    private OwnerIds() {}

    public static long check(long id) {
        if (id < 0 || id > MAX) {
            throw new IllegalArgumentException("user or group id " + id + " is not in 0.." + MAX);
        }
        return id;
    }
}
