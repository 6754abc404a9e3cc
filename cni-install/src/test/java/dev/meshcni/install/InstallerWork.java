// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.FileSteps;
import dev.meshcni.files.testkit.PassedOnSteps;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** What an installer does that it can be killed at; started as a program it does it until somebody kills it. */
enum InstallerWork {
    INSTALL,
    UPGRADE,
    UNINSTALL;

    /** What the program prints when it has come to the step at which it is to be killed. */
    static final String READY_TO_DIE = "ready to die";

    /**
     * Does one work on a node and stops at a step, for as long as the process lives.
     *
     * @param args the node's directory, the work, the number of the step
     */
    public static void main(String[] args) throws Exception {
        TestNode node = TestNode.in(Path.of(args[0]));
        InstallerWork work = valueOf(args[1]);
        work.prepare(node);
        work.run(node, new DyingSteps(Integer.parseInt(args[2]), InstallerWork::waitForDeath));
    }

    /** Makes the node what it is before this work. */
    void prepare(TestNode node) throws IOException {
        if (this != INSTALL) {
            TestInstallers.of(node, new UnsyncedSteps()).installOnce();
        }
        if (this == UPGRADE) {
            node.release("second");
        }
    }

    /** Does this work. */
    void run(TestNode node, FileSteps steps) throws IOException, InterruptedException {
        Installer installer = TestInstallers.of(node, steps);
        if (this == UNINSTALL) {
            installer.uninstall(Duration.ofSeconds(10));
        } else {
            installer.claim();
            installer.round();
        }
    }

    private static void waitForDeath() {
        System.out.println(READY_TO_DIE);
        try {
            Thread.sleep(Duration.ofMinutes(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(1);
    }

    private static final class UnsyncedSteps extends PassedOnSteps {
        UnsyncedSteps() {
            super(new DiskSteps());
        }

        @Override
        public void sync(Path path) {}
    }
}
