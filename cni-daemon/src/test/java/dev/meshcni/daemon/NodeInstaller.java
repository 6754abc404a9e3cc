// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.install.InstallEvents;
import dev.meshcni.install.Installer;
import dev.meshcni.install.InstallerSettings;
import dev.meshcni.testkit.TestNode;

/** The installer of a node of a test. */
final class NodeInstaller {
    private NodeInstaller() {}

    static Installer of(TestNode node) {
        return Installer.of(
                new InstallerSettings(
                        node.confDir(),
                        node.confDir(),
                        node.binDir(),
                        node.binDir(),
                        node.runDirectory(),
                        node.source(),
                        InstallSettings.chainedInto(
                                JsonNodeFactory.instance.objectNode().put("type", "istio-cni")),
                        false,
                        node.checkInterval()),
                ChainAdapters.installed(),
                InstallEvents.none());
    }
}
