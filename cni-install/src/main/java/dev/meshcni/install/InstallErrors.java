// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.DaemonException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Says what to do about a file that cannot be written. */
public final class InstallErrors {
    /** The reason that the kernel gives for a full file system. */
    static final String NO_SPACE = "No space left on device";

    private static final String READ_ONLY = "Read-only file system";

    /** The remedy for a wrong plugin directory. */
    static final String OTHER_BIN_DIR = """
        set --cni-bin-target-dir (Helm: cniBinDir) to the directory where this platform's container runtime looks for \
        plugins: GKE /home/kubernetes/bin, OpenShift /var/lib/cni/bin, k3s /var/lib/rancher/k3s/data/cni, \
        MicroK8s /var/snap/microk8s/current/opt/cni/bin\
        """;

    private static final String OTHER_CONF_DIR = """
        set --mounted-cni-net-dir (Helm: cniConfDir) to the directory where this platform's container runtime looks \
        for configuration: OpenShift with Multus /etc/cni/multus/net.d, k3s /var/lib/rancher/k3s/agent/etc/cni/net.d, \
        MicroK8s /var/snap/microk8s/current/args/cni-network\
        """;

    private InstallErrors() {}

    /** A failure to write the plugin. */
    static DaemonException writingPlugin(Path binDir, IOException cause) {
        return trouble("cannot install the plugin in " + binDir, cause, OTHER_BIN_DIR);
    }

    /** A plugin that the host does not run. */
    public static DaemonException runningPlugin(Path binDir, String reason) {
        return new DaemonException("the plugin in " + binDir + " does not work on this host: " + reason);
    }

    /** A failure to remove the plugin. */
    static DaemonException removingPlugin(Path binDir, IOException cause) {
        return trouble("cannot remove the plugin from " + binDir, cause, OTHER_BIN_DIR);
    }

    /** A failure in the agent's run directory. */
    public static DaemonException usingRunDirectory(Path runDirectory, IOException cause) {
        return trouble("cannot use the run directory " + runDirectory, cause, """
            set --cni-agent-run-dir to a directory on another file system; it must be the same path on the host\
            """);
    }

    /** A failure to write the configuration. */
    public static DaemonException writingConf(Path confDir, IOException cause) {
        return trouble("cannot change the CNI configuration in " + confDir, cause, OTHER_CONF_DIR);
    }

    /** A failure to take the plugin out of the configuration. */
    static DaemonException keepingPlugin(Path confDir, IOException cause) {
        return new DaemonException(
                writingConf(confDir, cause).getMessage()
                        + "; the plugin is kept, because without it no pod would start on this node",
                cause);
    }

    /** Several failures, of which each says what is left. */
    static DaemonException all(List<DaemonException> failures) {
        return failures.size() == 1
                ? failures.getFirst()
                : new DaemonException(
                        failures.stream().map(DaemonException::getMessage).collect(Collectors.joining("; also ")),
                        failures.getFirst());
    }

    private static DaemonException trouble(String what, IOException cause, String otherDirectory) {
        return new DaemonException(what + ": " + reason(cause) + remedy(cause, otherDirectory), cause);
    }

    private static String remedy(IOException cause, String otherDirectory) {
        String reason = reason(cause);
        if (reason.contains(READ_ONLY)) {
            return "; make it writable, or " + otherDirectory;
        }
        if (reason.contains(NO_SPACE) || reason.contains("quota")) {
            return "; free space on its file system, or " + otherDirectory;
        }
        if (cause instanceof AccessDeniedException || reason.contains("not permitted")) {
            return "; run as root with CAP_DAC_OVERRIDE, and check SELinux and immutable attributes (lsattr)";
        }
        return "";
    }

    private static String reason(IOException cause) {
        if (cause instanceof AccessDeniedException) {
            return "permission denied for " + cause.getMessage();
        }
        if (cause instanceof FileSystemException failure && failure.getReason() != null) {
            return failure.getFile() + ": " + failure.getReason();
        }
        // What comes of a file that is open already is not of a class of its own, and its message is the kernel's.
        return cause.getClass() == IOException.class ? cause.getMessage() : cause.toString();
    }

    /**
     * Somebody else's configuration calls the plugin, which has to stay as long as that is so: without it no pod would
     * start.
     */
    static DaemonException stillCalled(String type, List<String> callers) {
        return new DaemonException(String.join(", ", callers) + " still calls " + type
                + ": the plugin is kept, because without it no pod would start on this node; remove the entry there"
                + " (Multus copies its default network when it starts: restart its pod on this node), and uninstall"
                + " again; as the last resort move the file away, which takes its network away as well");
    }

    /** The same of configuration directories that are not the current one, or cannot be examined. */
    static DaemonException stillCalled(List<Finding> former) {
        return new DaemonException(former.stream()
                .map(finding -> finding.what()
                        + "; the plugin is kept, because without it no pod might start on this node; "
                        + finding.remedy() + ", and uninstall again")
                .collect(Collectors.joining("; also ")));
    }
}
