// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

/**
 * Which file it is, as long as it is open: ztunnel, too, tells network namespaces apart by these ({@code inode(7)}).
 *
 * @param device the device of the file
 * @param inode the inode of the file
 */
public record FileKey(long device, long inode) {
    /** As {@code ls -l /proc/PID/ns/net} shows a namespace: {@code net:[4026532008]}. */
    @Override
    public String toString() {
        return "net:[" + inode + "]";
    }
}
