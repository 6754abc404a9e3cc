// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import jdk.net.ExtendedSocketOptions;

/** The peer of a UNIX socket, as reported by the kernel ({@code SO_PEERCRED}, unix(7)). */
public final class SocketPeer {
    /** A number is taken where no user has it for a name. */
    private static final String ROOT = "0";

    private SocketPeer() {}

    /**
     * Makes sure that it is root, or the user that this process runs as. Of one that listens it is the process that
     * called listen(2); nothing that the peer sends can change it.
     *
     * @throws IOException if it is another user, with its name
     */
    public static void requireRoot(SocketChannel connected) throws IOException {
        UserPrincipal user =
                connected.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
        boolean root = user.equals(
                FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(ROOT));
        if (!root && !user.equals(Files.getOwner(Path.of("/proc/self")))) {
            throw new IOException("the process listening on it runs as user " + user.getName() + ", not as root");
        }
    }
}
