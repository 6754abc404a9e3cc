// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** The distribution that the build has assembled, as it is installed on a node. */
public final class Dist {
    private static final Path ROOT = Path.of(System.getProperty("meshcni.dist", "../target/dist"))
            .toAbsolutePath()
            .normalize();

    private Dist() {}

    /** Skips the test unless the distribution was built. */
    public static void needed() {
        assumeTrue(
                Files.isExecutable(program("istio-cni")),
                () -> "needs the distribution in " + ROOT + ": run the build up to the package phase");
    }

    /** The directory of all of it. */
    public static Path root() {
        return ROOT;
    }

    /** One of its programs: istio-cni, install-cni or meshcni. */
    public static Path program(String name) {
        return ROOT.resolve("bin").resolve(name);
    }
}
