// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** What a test needs of the machine it runs on. A test whose machine lacks it is skipped, with the reason. */
public final class Machine {
    private Machine() {}

    /** Skips the test unless all commands are installed. */
    public static void needs(String... commands) {
        for (String command : commands) {
            assumeTrue(isInstalled(command), () -> "needs the command " + command + ", which is not installed");
        }
    }

    /** Skips the test unless the reference CNI plugins are installed. */
    public static void needsPlugins(String... plugins) {
        for (String plugin : plugins) {
            assumeTrue(
                    Files.isExecutable(Plugins.DIRECTORY.resolve(plugin)),
                    () -> "needs the CNI plugin " + plugin + " in " + Plugins.DIRECTORY);
        }
    }

    private static boolean isInstalled(String command) {
        return Arrays.stream("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, command)));
    }

    /** Where Debian's package containernetworking-plugins puts its plugins. */
    static final class Plugins {
        static final Path DIRECTORY = Path.of("/usr/lib/cni");

        private Plugins() {}
    }
}
