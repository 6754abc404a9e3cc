// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.libc.LibC;
import java.util.function.Supplier;

/**
 * Opens sockets for another user and group, as the rules of a pod tell users apart ({@code owner} in
 * {@code iptables-extensions(8)}).
 *
 * <p>The kernel takes the owner of a socket from the file-system user and group of the thread that opens it
 * ({@code credentials(7)}), which each thread has for itself ({@code setfsuid(2)}).
 */
public final class SocketOwner {
    private SocketOwner() {}

    /**
     * Runs an action; sockets that it opens, on the calling thread, belong to the user and group. Needs
     * {@code CAP_SETUID} and {@code CAP_SETGID}; without them nothing changes, as the system calls report no error.
     */
    public static <T> T as(int uid, int gid, Supplier<T> action) {
        int ownGid = LibC.setfsgid(gid);
        int ownUid = LibC.setfsuid(uid);
        try {
            return action.get();
        } finally {
            LibC.setfsuid(ownUid);
            LibC.setfsgid(ownGid);
        }
    }
}
