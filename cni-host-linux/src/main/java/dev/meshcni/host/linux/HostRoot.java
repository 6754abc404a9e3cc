// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The host's files as this process finds them: from a container through the root directory of the host's first process.
 *
 * <p>Symbolic links on the host's paths are resolved here, one component after the other. To the kernel the target of
 * an absolute one is a file of this process's own root, and realpath(3) takes {@code /proc/PID/root} itself for a link
 * to that. So {@link Path#toRealPath} must not be used on the paths that this returns.
 */
public final class HostRoot {
    /** The first process of the node, if the node's {@code /proc} is mounted in our container. */
    private static final Path HOST_INIT = Path.of("/host/proc/1");

    private final DiskView view;
    private final RootPathCheck way;

    private HostRoot(Path root) {
        this.view = new DiskView(root);
        this.way = new RootPathCheck(view);
    }

    /** The root of this node: without the node's {@code /proc} it must be our own. */
    public static HostRoot ofNode() {
        return at(Files.isDirectory(HOST_INIT) ? HOST_INIT.resolve("root") : Path.of("/"));
    }

    /** A host whose root directory is found at a path; reading {@code /proc/PID/root} takes {@code CAP_SYS_PTRACE}. */
    public static HostRoot at(Path root) {
        return new HostRoot(requireNonNull(root, "root is null"));
    }

    /**
     * Finds a directory of the host that only root controls, as {@link RootPath#directory} does.
     *
     * @param onHost its path on the host
     * @return the path by which this process finds it, with no symbolic link below the host's root
     * @throws NoSuchFileException if it is not there
     * @throws FileSystemException if a user other than root can change the target of the path, or write into the
     *     directory; the message names the component and the remedy
     */
    public Path directory(Path onHost) throws IOException {
        return view.at(way.directory(onHost.toString()));
    }

    /**
     * Finds what a path of the host leads to, whoever controls the way to it: good enough to be compared with something
     * else, and not to be changed.
     *
     * @param onHost its path on the host
     * @return the path by which this process finds it, with no symbolic link below the host's root
     * @throws NoSuchFileException if it is not there
     */
    public Path find(Path onHost) throws IOException {
        return view.at(way.find(onHost.toString()));
    }

    /**
     * Finds what a path of the host leads to, if only root controls the way to it.
     *
     * @param onHost its path on the host
     * @return the path by which this process finds it, with no symbolic link below the host's root
     * @throws NoSuchFileException if it is not there
     * @throws FileSystemException if a user other than root can change the target of the path
     */
    public Path real(Path onHost) throws IOException {
        return view.at(way.resolve(onHost.toString()));
    }
}
