// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import dev.meshcni.api.NetworkConfigList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A file in a configuration directory that container runtimes read.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public sealed interface ConfFile {
    /** Its name within the directory. */
    String name();

    /** The network that it holds, if it is valid. */
    default Optional<NetworkConfigList> network() {
        return switch (this) {
            case Valid valid -> Optional.of(valid.list());
            case Divided ignored -> Optional.empty();
            case Invalid ignored -> Optional.empty();
        };
    }

    /**
     * A file that runtimes can load.
     *
     * @param name its name within the directory
     * @param list the network that it holds
     */
    record Valid(String name, NetworkConfigList list) implements ConfFile {
        public Valid {
            Objects.requireNonNull(name, "name is null");
            Objects.requireNonNull(list, "list is null");
        }
    }

    /**
     * A list without plugins of its own, which libcni 1.3 and newer take from the directory that is named like the
     * network; older ones cannot load it.
     *
     * @param name its name within the directory
     * @param directory the name of the directory, which is that of the network
     * @param plugins the names of the plugins' files, in the order in which they are called
     */
    record Divided(String name, String directory, List<String> plugins) implements ConfFile {
        public Divided {
            Objects.requireNonNull(name, "name is null");
            Objects.requireNonNull(directory, "directory is null");
            plugins = List.copyOf(plugins);
        }
    }

    /**
     * A file that runtimes cannot load.
     *
     * @param name its name within the directory
     * @param reason why, with line and column where it is a matter of syntax
     */
    record Invalid(String name, String reason) implements ConfFile {
        public Invalid {
            Objects.requireNonNull(name, "name is null");
            Objects.requireNonNull(reason, "reason is null");
        }
    }
}
