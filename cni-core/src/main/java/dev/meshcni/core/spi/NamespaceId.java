// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core.spi;

/**
 * Which network namespace it is, whatever path leads to it ({@code namespaces(7)}).
 *
 * <p>Device and inode name a namespace among those that exist; the kernel gives the inode of one that has ended to a
 * later one. The cookie ({@code SO_NETNS_COOKIE}, {@code socket(7)}) is given once between two starts of the kernel.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @param device the device of the namespace's file
 * @param inode the inode of the namespace's file
 * @param cookie the kernel's number of the namespace; 0 where the kernel, older than 5.14, has none
 * @since 0.1.0
 */
public record NamespaceId(long device, long inode, long cookie) {
    /**
     * Returns whether both stand for the same namespace, as far as can be known: without a cookie by device and inode
     * alone.
     */
    public boolean isSame(NamespaceId other) {
        boolean cookies = cookie == 0 || other.cookie == 0 || cookie == other.cookie;
        return device == other.device && inode == other.inode && cookies;
    }

    /** As {@code ls -l /proc/PID/ns/net} shows the inode: {@code net:[4026532008]}. */
    @Override
    public String toString() {
        return "net:[" + inode + "]";
    }
}
