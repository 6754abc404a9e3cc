// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The lanes of the tests, which the build selects by tag: {@code unit} holds what needs no root and is quick,
 * {@code root} what carries {@link NeedsRoot}, {@code slow} what carries {@link Slow}.
 */
public final class Lane {
    /** The tag of tests that need root. */
    public static final String ROOT = "root";

    /** The tag of slow tests. */
    public static final String SLOW = "slow";

    private static final String RUNNING = System.getProperty("meshcni.lane", "");
    private static final int MAX_TRIES = Integer.getInteger("meshcni.tries", Integer.MAX_VALUE);

    private Lane() {}

    /**
     * Called by fixtures that need root, so that no test can use one without saying so.
     *
     * @throws IllegalStateException if the test does not belong to a lane that may need root
     */
    public static void requireRoot() {
        if (RUNNING.equals("unit") || !isRoot()) {
            throw new IllegalStateException("this fixture needs root: annotate the test with @NeedsRoot");
        }
    }

    /**
     * The number of tries of a test with generated input: as many as given, or fewer in the quick run of the unit lane.
     */
    public static int tries(int wanted) {
        return Math.min(wanted, MAX_TRIES);
    }

    /** True if this process runs as root (its effective user, proc(5)). */
    static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
