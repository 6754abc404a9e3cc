// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.it.BaseChain;
import dev.meshcni.it.Command;
import dev.meshcni.it.Dist;
import dev.meshcni.it.Machine;
import dev.meshcni.it.MountNamespace;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The plugin is tried in the host's mount namespace by a process that has another one, as the daemon's container has,
 * with the capabilities of the shipped DaemonSet. The host is a process namespace of the test's own, and its first
 * process.
 */
@Tag("hostile")
@NeedsRoot("makes mount namespaces")
class TrialFromAContainerTest {
    private static final Duration COPYING = Duration.ofMinutes(2);

    private static final List<String> SHIPPED =
            List.of("chown", "dac_override", "fowner", "net_admin", "net_raw", "sys_admin", "sys_chroot", "sys_ptrace");

    /** A root file system like the machine's, in which there are the host's directories below /host. */
    private static final String CONTAINER = """
        set -e; work=$1; caps=$2; shift 2
        mount -t tmpfs tmpfs "$work"
        mkdir "$work/upper" "$work/work" "$work/root"
        mount -t overlay overlay -o lowerdir=/,upperdir="$work/upper",workdir="$work/work" "$work/root"
        cd "$work/root"
        mkdir -p host/proc host/bin
        mount --bind /proc proc
        mount --bind /proc host/proc
        mount --rbind /dev dev
        mount --bind "$BIN" host/bin
        for shared in $SHARED; do mkdir -p ".$shared"; mount --bind "$shared" ".$shared"; done
        exec chroot . setpriv --bounding-set="-all,$caps" --inh-caps=-all -- "$@"
        """;

    @TempDir
    private Path root;

    private Path conf;
    private Path binDir;
    private String original;

    @BeforeEach
    void makeNode() throws IOException {
        MountNamespace.needed();
        Machine.needs("setpriv");
        Dist.needed();
        conf = Files.createDirectory(root.resolve("net.d")).resolve("10-ptp.conflist");
        binDir = Files.createDirectory(root.resolve("bin"));
        Files.createDirectory(root.resolve("work"));
        Files.createDirectory(root.resolve("run"));
        original = BaseChain.ptp(root.resolve("ipam"));
        Files.writeString(conf, original);
    }

    @Test
    void theShippedCapabilitiesAreEnoughToTryThePluginOnTheHost() {
        Command.Result installed = meshcni("install", "true", SHIPPED);

        assertThat(installed.exitCode()).as(installed.err()).isZero();
        assertThat(installed.err()).doesNotContain("cannot test the plugin");
        assertThat(conf).content().contains("istio-cni");
    }

    @Test
    void aMountThatOnlyTheHostHasIsWhatCounts() {
        String noexec = "mount --bind $BIN $BIN && mount -o remount,bind,noexec $BIN";

        Command.Result refused = meshcni("install", noexec, SHIPPED);

        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("the plugin in " + binDir + " does not work on this host", "noexec");
        assertThat(conf).hasContent(original);
        assertThat(binDir).isEmptyDirectory();
    }

    @Test
    void withoutOneOfThemThePluginIsInstalledUntriedWithAWarning() {
        List<String> less =
                SHIPPED.stream().filter(name -> !name.equals("sys_chroot")).toList();

        Command.Result installed = meshcni("install", "true", less);

        assertThat(installed.exitCode()).as(installed.err()).isZero();
        assertThat(installed.err())
                .contains(
                        "cannot test the plugin on the host",
                        "setns(/host/proc/1/ns/mnt): Operation not permitted",
                        "SYS_CHROOT");
        assertThat(conf).content().contains("istio-cni");
    }

    /** Runs a command in a container on a host on which something was done before. */
    private Command.Result meshcni(String command, String onHost, List<String> capabilities) {
        String host =
                ("export BIN='%s' SHARED='%s %s %s'; %s; unshare --mount --propagation private sh -c '%s' sh \"$@\";"
                                + " exit $?")
                        .formatted(
                                binDir,
                                conf.getParent(),
                                root.resolve("run"),
                                Dist.root(),
                                onHost,
                                CONTAINER.replace("'", "'\\''"));
        return Command.of(
                        "unshare",
                        "--pid",
                        "--fork",
                        "--kill-child",
                        "--mount",
                        "--mount-proc",
                        "--propagation",
                        "private",
                        "sh",
                        "-c",
                        host,
                        "sh",
                        root.resolve("work").toString(),
                        "+" + String.join(",+", capabilities),
                        Dist.program("meshcni").toString(),
                        command,
                        "--mounted-cni-net-dir=" + conf.getParent(),
                        "--cni-bin-target-dir=/host/bin",
                        "--cni-bin-dir-on-host=" + binDir,
                        "--cni-agent-run-dir=" + root.resolve("run"))
                .within(COPYING)
                .result();
    }
}
