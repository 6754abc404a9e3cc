// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.LibC;
import dev.meshcni.libc.NetlinkSocket;
import java.nio.file.Path;

/**
 * The user namespace that owns the network namespace of the calling thread ({@code ioctl_ns(2)}).
 *
 * <p>Root of the node may change everything in it. But {@code iptables -m owner} is refused with "invalid argument"
 * unless the process that loads the rule is in that user namespace: the kernel takes the ids of such a rule for ids of
 * the network namespace's owner, and would not guess that the writer means the same ones. {@code nft} has no such
 * check, and to read takes no more than root.
 */
final class UserNamespace implements AutoCloseable {
    /** Looked at once, when it is needed. */
    private static final class OwnProcess {
        static final FileKey USER = FileKey.at(Path.of("/proc/self/ns/user"))
                .orElseThrow(() -> new RedirectException("the user namespace of this process cannot be looked at"));
    }

    private final int fd;

    private UserNamespace(int fd) {
        this.fd = fd;
    }

    static UserNamespace ofNetworkNamespace() {
        return owner(LibC.check(
                LibC.open(NetworkNamespace.OWN, LibC.O_RDONLY | LibC.O_CLOEXEC), "opening " + NetworkNamespace.OWN));
    }

    /** The same by a socket that is in the network namespace: a thread that is new has no directory in /proc yet. */
    static UserNamespace ofNetworkNamespace(NetlinkSocket socket) {
        int network;
        try {
            network = socket.openNamespace();
        } catch (RedirectException _) {
            return ofNetworkNamespace();
        }
        return owner(network);
    }

    private static UserNamespace owner(int network) {
        try {
            return new UserNamespace(LibC.check(
                    LibC.ioctl(network, LibC.NS_GET_USERNS),
                    "finding the owning user namespace of the network namespace"));
        } finally {
            LibC.close(network);
        }
    }

    /** Returns whether this process is in it: its threads cannot leave the one that it started in (setns(2)). */
    boolean own() {
        return OwnProcess.USER.equals(FileKey.of(fd));
    }

    /** A file that stands for it, for other processes of root, until this is closed. */
    Path path() {
        return Path.of("/proc", String.valueOf(ProcessHandle.current().pid()), "fd", String.valueOf(fd));
    }

    @Override
    public void close() {
        LibC.close(fd);
    }
}
