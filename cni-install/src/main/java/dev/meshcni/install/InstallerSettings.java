// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.conf.InstallSettings;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The files to install, and their locations. Paths are as this process sees them.
 *
 * @param confDir the node's CNI configuration
 * @param confDirOnHost the same as the host sees it
 * @param binDir the node's directory of CNI plugins
 * @param binDirOnHost the same as the host sees it, for messages
 * @param runDirectory the agent's run directory
 * @param sourceDir the tree that the plugin is copied from
 * @param conf how our plugin stands in the configuration
 * @param groupRead whether the group may read configuration files of our own
 * @param checkInterval how often all is compared with what it should be
 */
public record InstallerSettings(
        Path confDir,
        Path confDirOnHost,
        Path binDir,
        Path binDirOnHost,
        Path runDirectory,
        Path sourceDir,
        InstallSettings conf,
        boolean groupRead,
        Duration checkInterval) {
    public InstallerSettings {
        requireNonNull(confDir, "confDir is null");
        requireNonNull(confDirOnHost, "confDirOnHost is null");
        requireNonNull(binDir, "binDir is null");
        requireNonNull(binDirOnHost, "binDirOnHost is null");
        requireNonNull(runDirectory, "runDirectory is null");
        requireNonNull(sourceDir, "sourceDir is null");
        requireNonNull(conf, "conf is null");
        requireNonNull(checkInterval, "checkInterval is null");
    }
}
