// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.FileSteps;
import dev.meshcni.host.linux.HostProgram;
import dev.meshcni.host.linux.HostRoot;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Installers of a node of a test. */
final class TestInstallers {
    static final ChainAdapters ADAPTERS = ChainAdapters.installed();

    private TestInstallers() {}

    /** A node with one of the configuration directories in the resources. */
    static TestNode node(Path root, String confDir) throws IOException {
        TestNode node = TestNode.in(root);
        for (Path file : TestNode.filesIn(confDirs().resolve(confDir))) {
            Files.copy(file, node.confDir().resolve(file.getFileName()));
        }
        return node;
    }

    /** Where the resources are. */
    static Path confDirs() {
        try {
            return Path.of(TestInstallers.class.getResource("/confdirs/ptp").toURI())
                    .getParent();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static Installer of(TestNode node) throws IOException {
        return of(node, new DiskSteps());
    }

    static Installer of(TestNode node, FileSteps steps) throws IOException {
        return of(node, steps, InstallSettings.chainedInto(entry()), RewriteBackoff.Limits.DEFAULT);
    }

    static Installer of(TestNode node, InstallSettings conf) throws IOException {
        return of(node, new DiskSteps(), conf, RewriteBackoff.Limits.DEFAULT);
    }

    static Installer of(TestNode node, FileSteps steps, InstallSettings conf, RewriteBackoff.Limits limits)
            throws IOException {
        return of(node, steps, conf, limits, InstallEvents.none());
    }

    /** An installer that keeps a copy of the base CNI's file. */
    static Installer copying(TestNode node, FileSteps steps, String name, InstallEvents events) throws IOException {
        InstallSettings conf = new InstallSettings(true, "", entry(), false, name);
        return of(node, steps, conf, RewriteBackoff.Limits.DEFAULT, events);
    }

    /** An installer that tries the plugin where these programs are started. */
    static Installer of(TestNode node, HostProgram host) throws IOException {
        return of(
                node,
                new DiskSteps(),
                InstallSettings.chainedInto(entry()),
                RewriteBackoff.Limits.DEFAULT,
                InstallEvents.none(),
                host);
    }

    static Installer of(
            TestNode node, FileSteps steps, InstallSettings conf, RewriteBackoff.Limits limits, InstallEvents events)
            throws IOException {
        return of(node, steps, conf, limits, events, HostProgram.inOwnMounts());
    }

    private static Installer of(
            TestNode node,
            FileSteps steps,
            InstallSettings conf,
            RewriteBackoff.Limits limits,
            InstallEvents events,
            HostProgram host)
            throws IOException {
        InstallerSettings settings = new InstallerSettings(
                node.confDir(),
                node.confDir(),
                node.binDir(),
                node.binDir(),
                node.runDirectory(),
                node.source(),
                conf,
                false,
                node.checkInterval());
        return Installer.with(
                settings,
                events,
                new Installer.Parts(
                        steps, RunningPlugins.in(node.proc()), host, HostRoot.at(Path.of("/")), ADAPTERS, limits));
    }

    /** The plugin's configuration. */
    static ObjectNode entry() {
        ObjectNode entry = JsonNodeFactory.instance
                .objectNode()
                .put("name", "istio-cni")
                .put("type", "istio-cni")
                .put("plugin_log_level", "info");
        entry.putArray("exclude_namespaces").add("kube-system");
        return entry;
    }
}
