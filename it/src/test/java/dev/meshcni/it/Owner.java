// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.util.concurrent.Callable;

/**
 * The user and group that sockets belong to, as the owner match of iptables sees them, and the mark of all packets that
 * they send, 0 for none.
 *
 * <p>The kernel takes both from the file system ids of the thread that opens the socket (credentials(7)), and a thread
 * can change those for itself alone: so one JVM can send as anybody, thousands of times a second.
 */
record Owner(long uid, long gid, int mark) {
    static final Owner ROOT = new Owner(0, 0);
    static final Owner PROXY = new Owner(1337, 1337);
    static final Owner APPLICATION = new Owner(1000, 1000);
    static final Owner ZTUNNEL = new Owner(0, 0, 0x539);

    /** Sends packets without a mark. */
    Owner(long uid, long gid) {
        this(uid, gid, 0);
    }

    /** Runs the body with this owner for the sockets that it opens. */
    <T> T apply(Callable<T> body) throws Exception {
        int group = Libc.C.setfsgid((int) gid);
        int user = Libc.C.setfsuid((int) uid);
        try {
            return body.call();
        } finally {
            Libc.C.setfsuid(user);
            Libc.C.setfsgid(group);
        }
    }
}
