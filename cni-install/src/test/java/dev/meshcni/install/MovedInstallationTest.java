// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static dev.meshcni.install.MovingNode.FILE;
import static dev.meshcni.install.MovingNode.FIRST;
import static dev.meshcni.install.MovingNode.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.files.DiskSteps;
import dev.meshcni.host.linux.ExtendedAttributes;
import dev.meshcni.host.linux.HostRoot;
import dev.meshcni.testkit.Mounts;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An entry that moves to another configuration directory: with a host of its own mounts, and killed on the way. */
class MovedInstallationTest {
    private static final int SOME_GROUP = 4711;

    @TempDir
    private Path root;

    /** What an installer does that knows another directory than the one before it. */
    enum Move {
        INSTALL,
        UNINSTALL;

        void run(Installer installer) throws InterruptedException {
            if (this == INSTALL) {
                installer.round();
            } else {
                installer.uninstall(Duration.ZERO);
            }
        }
    }

    /** Ends the work at a step without giving it a chance to tidy up. */
    private static final class Killed extends Error {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    @NeedsRoot("makes a mount namespace")
    @Test
    void theFilesAreThoseThatTheHostHasMounted() throws Exception {
        MovingNode node = MovingNode.in(root);
        Path first = node.here(FIRST);
        Path second = node.here(SECOND);
        HostRoot own = HostRoot.at(Path.of("/"));
        String original = Files.readString(first.resolve(FILE));
        node.installer(first, first, own, new DiskSteps(), "").round();
        try (Mounts mounts = Mounts.create()) {
            mounts.cover(first);
            Path theirs = mounts.root().resolve(first.toString().substring(1));
            Path data = Files.copy(first.resolve(FILE), theirs.resolve("base.data"));
            Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rw-r-----"));
            Files.setAttribute(data, "unix:gid", SOME_GROUP);
            ExtendedAttributes.set(data, "trusted.mesh", new byte[] {7});
            Files.createSymbolicLink(theirs.resolve(FILE), data.getFileName());
            Installer installer = node.installer(second, second, HostRoot.at(mounts.root()), new DiskSteps(), "");

            assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);

            assertThat(theirs.resolve(FILE)).isSymbolicLink();
            assertThat(data).hasContent(original);
            assertThat(Files.readAttributes(data, "unix:gid,mode"))
                    .containsEntry("gid", SOME_GROUP)
                    .containsEntry("mode", 0100640);
            assertThat(ExtendedAttributes.get(data, "trusted.mesh")).hasValue(new byte[] {7});
            assertThat(node.found).isEmpty();
        }
        assertThat(node.calls(FIRST)).as("our own file at that path").isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void atEveryStepTheNodeHasAnEntryWithItsPluginAndTheNextInstallerFinishes(Move move) throws Exception {
        for (int step = 1; ; step++) {
            MovingNode node = MovingNode.in(root.resolve("step" + step));
            Map<String, String> firstBefore = node.conf(FIRST);
            Map<String, String> secondBefore = node.conf(SECOND);
            node.installer(FIRST).round();
            if (!diesAt(step, node, move)) {
                assertThat(step).as("steps of %s", move).isGreaterThan(8);
                return;
            }
            if (move == Move.INSTALL) {
                assertThat(node.calls(FIRST) || node.calls(SECOND))
                        .as("called at step %s", step)
                        .isTrue();
            }
            if (node.calls(FIRST) || node.calls(SECOND)) {
                assertThat(node.link()).as("plugin at step %s", step).exists();
            }

            Installer next = node.installer(SECOND);
            move.run(next);

            assertThat(node.conf(FIRST)).as("killed at step %s", step).isEqualTo(firstBefore);
            if (move == Move.INSTALL) {
                assertThat(node.calls(SECOND)).isTrue();
                assertThat(node.record()).content().contains(SECOND).doesNotContain(FIRST);
                next.uninstall(Duration.ZERO);
            }
            assertThat(node.conf(SECOND)).as("killed at step %s", step).isEqualTo(secondBefore);
            assertThat(node.plugins()).as("killed at step %s", step).isEmpty();
        }
    }

    private static boolean diesAt(int step, MovingNode node, Move move) throws IOException, InterruptedException {
        DyingSteps steps = new DyingSteps(step, () -> {
            throw new Killed();
        });
        try {
            move.run(node.installer(SECOND, steps, ""));
            return false;
        } catch (Killed e) {
            return true;
        }
    }
}
