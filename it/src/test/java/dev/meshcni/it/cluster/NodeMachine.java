// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import dev.meshcni.it.Command;
import java.nio.file.Path;

/**
 * The machine of the node, outside of Kubernetes. What differs between clusters is behind this interface. A test that
 * needs what this cluster does not offer is skipped.
 */
interface NodeMachine {
    /** Something that can be away for a while. */
    interface Switch {
        void off();

        /** Returns when it works again. */
        void on();
    }

    /** Runs a command on the node as root, whatever its exit code. */
    Command.Result result(String... line);

    /** Runs a command of containerd's client on the node. */
    String containerd(String... arguments);

    /** Makes an image known to the runtime. */
    void importImage(Path archive);

    /** The power of the node. */
    Switch power();

    /** The API server. */
    Switch apiServer();

    /** Runs a command on the node, which must succeed, and returns what it prints. */
    default String run(String... line) {
        Command.Result result = result(line);
        if (!result.succeeded()) {
            throw new AssertionError("on the node: " + String.join(" ", line) + " exited with " + result.exitCode()
                    + ": " + result.err() + result.out());
        }
        return result.out();
    }
}
