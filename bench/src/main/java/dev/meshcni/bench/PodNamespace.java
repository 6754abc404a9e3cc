// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A network namespace as a base CNI plugin leaves it for a pod, with an interface that has an address; gone when
 * closed.
 *
 * @param name its name, unique on this machine
 */
record PodNamespace(String name) implements AutoCloseable {
    private static final AtomicInteger MADE = new AtomicInteger();

    static PodNamespace make() throws IOException {
        PodNamespace made =
                new PodNamespace("mesh-cni-bench-" + ProcessHandle.current().pid() + "-" + MADE.incrementAndGet());
        made.add();
        return made;
    }

    /** Puts a new one in its place, as each pod has: the kernel numbers what is made in a namespace. */
    void renew() throws IOException {
        close();
        add();
    }

    private void add() throws IOException {
        Commands.run("ip", "netns", "add", name);
        try {
            addInterface();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** The file that stands for it. */
    Path path() {
        return Path.of("/var/run/netns", name);
    }

    @Override
    public void close() throws IOException {
        Commands.run("ip", "netns", "delete", name);
    }

    private void addInterface() throws IOException {
        Commands.run("ip", "-n", name, "link", "set", "lo", "up");
        Commands.run("ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "peer0");
        Commands.run("ip", "-n", name, "address", "add", "10.250.0.2/24", "dev", "eth0");
        Commands.run("ip", "-n", name, "link", "set", "eth0", "up");
    }
}
