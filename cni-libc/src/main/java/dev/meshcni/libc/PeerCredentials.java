// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

/**
 * The process at the other end of a UNIX socket, when it connected ({@code SO_PEERCRED}, {@code unix(7)}).
 *
 * @param pid its number in this process's PID namespace; 0 if it is in none that is seen from here
 * @param uid its user
 * @param gid its group
 */
public record PeerCredentials(int pid, int uid, int gid) {}
