// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

/** A message that is not one: cut off, or with attributes that say impossible things. */
public final class NetlinkException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What is wrong with the message. */
    public NetlinkException(String message) {
        super(message);
    }
}
