// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.cluster;

import static java.util.Objects.requireNonNull;

import java.util.List;

/** The node's directories that an installation writes to. */
record NodeFiles(NodeMachine machine, String conf, String bin, String run) {
    NodeFiles {
        requireNonNull(machine, "machine is null");
        requireNonNull(conf, "conf is null");
        requireNonNull(bin, "bin is null");
        requireNonNull(run, "run is null");
    }

    /** Those of a manifest. */
    static NodeFiles of(Cluster cluster, String manifest) {
        return new NodeFiles(
                cluster.machine(),
                Installation.hostPath(manifest, "cni-net-dir"),
                Installation.hostPath(manifest, "cni-bin-dir"),
                Installation.hostPath(manifest, "cni-run-dir"));
    }

    /** All files of the first two directories: type, mode, owner and content. */
    List<String> state() {
        return machine.run(
                        "sh",
                        "-c",
                        "find \"$@\" -printf '%p %y %m %U:%G %l\\n'; find \"$@\" -type f -exec sha256sum {} +",
                        "sh",
                        conf,
                        bin)
                .lines()
                .sorted()
                .toList();
    }

    /** What is in the directory of configurations. */
    List<String> configurationFiles() {
        return machine.run("find", conf, "-mindepth", "1", "-maxdepth", "1")
                .lines()
                .toList();
    }

    /** Removes what has come into the directory of configurations since: not every CNI takes its own away. */
    void removeConfigurationsBut(List<String> before) {
        configurationFiles().stream()
                .filter(file -> !before.contains(file))
                .forEach(file -> machine.run("rm", "-r", file));
    }

    /** The files in the run directory. */
    List<String> runFiles() {
        return machine.result("find", run, "-mindepth", "1").out().lines().toList();
    }

    /** What all configurations hold. */
    String configurations() {
        return machine.run("sh", "-c", "cat " + conf + "/*");
    }
}
