// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.it.BaseChain;
import dev.meshcni.it.Command;
import dev.meshcni.it.Dist;
import dev.meshcni.it.MountNamespace;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The product's own plugin on a host that does not execute it: the base CNI's pods must go on starting. */
@Tag("hostile")
@NeedsRoot("makes mount namespaces")
class HostThatRunsNoPluginTest {
    private static final Duration COPYING = Duration.ofMinutes(2);

    @TempDir
    private Path root;

    private MountNamespace mounts;
    private Path conf;
    private Path binDir;
    private String original;

    @BeforeEach
    void makeNode() throws IOException {
        MountNamespace.needed();
        Dist.needed();
        mounts = MountNamespace.create();
        conf = Files.createDirectory(root.resolve("net.d")).resolve("10-ptp.conflist");
        binDir = Files.createDirectory(root.resolve("bin"));
        original = BaseChain.ptp(root.resolve("ipam"));
        Files.writeString(conf, original);
        mounts.bind(binDir, binDir);
    }

    @AfterEach
    void dropNode() {
        if (mounts != null) {
            mounts.close();
        }
    }

    @Test
    void aDirectoryOfPluginsThatIsMountedNoexecLeavesTheNodeAsItWas() {
        mounts.remount(binDir, "bind,noexec");

        Command.Result refused = meshcni("install");

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err())
                .contains("the plugin in " + binDir + " does not work on this host", "noexec")
                .contains("--cni-bin-target-dir");
        assertThat(conf).hasContent(original);
        assertThat(binDir).isEmptyDirectory();

        mounts.remount(binDir, "bind,exec");

        assertThat(meshcni("install").exitCode()).isZero();
        assertThat(conf).content().contains("istio-cni");
    }

    @Test
    void anEntryWhosePluginIsNotExecutedAnyMoreIsFoundByDoctorAndTakenOut() {
        assertThat(meshcni("install").exitCode()).isZero();
        mounts.remount(binDir, "bind,noexec");

        assertThat(meshcni("doctor").out()).contains("does not work on this host", "noexec");
        assertThat(conf).content().contains("istio-cni");

        assertThat(meshcni("install").exitCode()).isEqualTo(1);
        assertThat(conf).content().doesNotContain("istio-cni");
    }

    private Command.Result meshcni(String command) {
        return mounts.command(
                        Dist.program("meshcni").toString(),
                        command,
                        "--mounted-cni-net-dir=" + conf.getParent(),
                        "--cni-bin-target-dir=" + binDir,
                        "--cni-agent-run-dir=" + root.resolve("run"))
                .within(COPYING)
                .result();
    }
}
