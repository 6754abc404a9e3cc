// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import java.time.Duration;
import picocli.CommandLine.Option;

/** The options of an installation that the daemon keeps as it should be, and takes back in the end. */
public final class KeepingOptions {
    @Option(
            names = "--install-check-seconds",
            paramLabel = "N",
            defaultValue = "5",
            description = {
                "Interval of periodic checks of plugin and configuration, in addition to inotify events.",
                "Default: ${DEFAULT-VALUE}."
            })
    private int checkSeconds;

    @Option(
            names = "--daemon-set-name",
            paramLabel = "NAME",
            defaultValue = "istio-cni-node",
            description = {
                "Name of this daemon's DaemonSet: when it is deleted, the daemon uninstalls before it stops.",
                "Default: ${DEFAULT-VALUE}."
            })
    private String daemonSetName;

    /** For picocli, which fills it. */
    public KeepingOptions() {}

    /** How often plugin and configuration are compared with what they should be. */
    public Duration checkInterval() {
        return Duration.ofSeconds(checkSeconds);
    }

    /** The name of the DaemonSet whose deletion means an uninstallation. */
    public String daemonSetName() {
        return daemonSetName;
    }
}
