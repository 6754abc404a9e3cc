// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.LibC;
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
    private static final Path OWN = Path.of("/proc/thread-self/ns/user");

    private final int fd;

    private UserNamespace(int fd) {
        this.fd = fd;
    }

    static UserNamespace ofNetworkNamespace() {
        String own = "/proc/thread-self/ns/net";
        int network = LibC.check(LibC.open(own, LibC.O_RDONLY | LibC.O_CLOEXEC), "opening " + own);
        try {
            return new UserNamespace(LibC.check(
                    LibC.ioctl(network, LibC.NS_GET_USERNS),
                    "finding the owning user namespace of the network namespace"));
        } finally {
            LibC.close(network);
        }
    }

    /** Returns whether this process is in it. */
    boolean own() {
        FileKey own = FileKey.at(OWN).orElseThrow(() -> new RedirectException(OWN + " cannot be looked at"));
        return own.equals(FileKey.of(fd));
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
