// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.libc.SharedDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Opens network namespaces of pods, and none that is not a pod's. */
@FunctionalInterface
public interface PodNamespaces {
    /**
     * Opens a namespace.
     *
     * @throws NetnsException if nothing is there, or it is no namespace of a pod
     */
    SharedDescriptor open(Path path);

    /**
     * Opens any namespace but those of this process and of the node's first process: what is meant for a pod would cut
     * off the node.
     *
     * @param nodes paths of namespaces that are not a pod's, such as {@code /host/proc/1/ns/net}
     */
    static PodNamespaces except(List<Path> nodes) {
        List<Path> refused = List.copyOf(nodes);
        return path -> {
            SharedDescriptor opened = SharedDescriptor.ofNamespace(path);
            for (Path node : refused) {
                if (leadsTo(node, opened)) {
                    opened.close();
                    throw new NetnsException(
                            path + " is the network namespace of " + node + " and not of a pod; nothing was changed");
                }
            }
            return opened;
        };
    }

    private static boolean leadsTo(Path path, SharedDescriptor namespace) {
        try {
            return Files.isSameFile(path, namespace.path());
        } catch (IOException e) {
            // It cannot be looked at, or is not there.
            return false;
        }
    }
}
