// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.host.linux.HostProgram;
import dev.meshcni.host.linux.HostRoot;
import dev.meshcni.install.InstallEvents;
import dev.meshcni.install.InstallState;
import dev.meshcni.install.Installer;
import dev.meshcni.install.InstallerSettings;
import dev.meshcni.install.RewriteBackoff;
import dev.meshcni.install.RunningPlugins;
import dev.meshcni.testkit.Mounts;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.TestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeDoctorTest {
    @TempDir
    private Path root;

    private TestNode node;

    @BeforeEach
    void aNodeWithPtp() throws IOException {
        node = TestNode.in(root);
        node.conf("10-ptp.conflist", """
            {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": {}}]}\
            """);
    }

    @NeedsRoot("makes a mount namespace")
    @Test
    void aPluginThatTheHostDoesNotRunIsAnErrorAndNothingIsChanged() throws Exception {
        try (Mounts mounts = Mounts.create()) {
            Installer installer = installer(HostProgram.in(mounts.namespace()));
            assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);
            Map<String, String> confInstalled = node.conf();
            mounts.forbidExecution(node.binDir());

            assertThat(new NodeDoctor(installer).examine().findings())
                    .filteredOn(finding -> finding.severity() == Finding.Severity.ERROR)
                    .anySatisfy(finding -> assertThat(finding.what()).contains("mounted noexec"));
            assertThat(node.conf()).isEqualTo(confInstalled);
        }
    }

    @Test
    void aHostThatCannotBeEnteredLeavesThePluginUntried() throws Exception {
        Installer installer = installer(HostProgram.in(root.resolve("no/ns/mnt")));
        assertThat(installer.round()).isInstanceOf(InstallState.Installed.class);

        assertThat(new NodeDoctor(installer).examine().findings())
                .anySatisfy(finding -> assertThat(finding.what())
                        .contains("cannot verify that the plugin runs on the host", "SYS_CHROOT"));
    }

    @Test
    void aHealthyPluginOfIstiosOwnIsNoError() throws Exception {
        node.conf("10-ptp.conflist", """
                {"cniVersion": "1.0.0", "name": "mynet", "plugins": [
                  {"type": "ptp"}, {"type": "istio-cni", "name": "istio-cni", "plugin_log_level": "info"}]}""");
        Files.createDirectories(node.binDir());
        Files.writeString(node.binDir().resolve("istio-cni"), "a program of somebody else");

        NodeReport report = new NodeDoctor(installer(HostProgram.inOwnMounts())).examine();

        assertThat(report.hasErrors()).as(report.findings().toString()).isFalse();
        assertThat(report.plugin()).endsWith("is another product's plugin");
        assertThat(report.findings())
                .anySatisfy(finding -> assertThat(finding.what()).contains("calls another product's istio-cni"));
    }

    @Test
    void anInstallationWithOtherSettingsIsWrittenAlready() throws Exception {
        assertThat(installer(HostProgram.inOwnMounts(), entry().put("pod_namespace", "istio-system"))
                        .round())
                .isInstanceOf(InstallState.Installed.class);

        assertThat(new NodeDoctor(installer(HostProgram.inOwnMounts()))
                        .examine()
                        .plan())
                .singleElement()
                .asString()
                .matches("change the settings of istio-cni in \\S+ to those of this command: pod_namespace");
        assertThat(new NodeDoctor(installer(HostProgram.inOwnMounts(), entry().put("pod_namespace", "istio-system")))
                        .examine()
                        .plan())
                .isEmpty();
    }

    @Test
    void aFormerDirectoryWithTheEntryIsAFindingAndNotChanged() throws Exception {
        Path former = Files.createDirectories(root.resolve("former"));
        String text = """
            {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp"}, {"type": "istio-cni"}]}
            """;
        Files.writeString(former.resolve("10-base.conflist"), text);
        Path record =
                Files.createDirectories(node.binDir().resolve(".mesh-cni")).resolve("conf-dirs.json");
        Files.writeString(record, "{\"version\": 1, \"confDirs\": [\"" + former + "\"]}");

        assertThat(new NodeDoctor(installer(HostProgram.inOwnMounts()))
                        .examine()
                        .findings())
                .anySatisfy(finding ->
                        assertThat(finding.what()).contains(former + " still calls istio-cni: 10-base.conflist"));
        assertThat(former.resolve("10-base.conflist")).hasContent(text);
        assertThat(record).content().contains(former.toString());
    }

    @NeedsRoot("gives a file another owner")
    @Test
    void aRunDirectoryOfAnotherUserIsAFinding() throws Exception {
        Files.createDirectories(node.runDirectory());
        Files.setAttribute(node.runDirectory(), "unix:uid", 4711);

        assertThat(new NodeDoctor(installer(HostProgram.inOwnMounts()))
                        .examine()
                        .findings())
                .anySatisfy(finding ->
                        assertThat(finding.what()).contains("user 4711").contains("agent and plugin reject it"));
    }

    @Test
    void aCopyOfTheBaseCnisFileIsNamedAndIsNoFinding() throws Exception {
        Installer installer = owned(entry());
        installer.installOnce();
        NodeReport report = new NodeDoctor(installer).examine();

        assertThat(report.configuration())
                .anyMatch(line -> line.startsWith("02-istio-cni.conflist: ")
                        && line.endsWith(", a copy of 10-ptp.conflist  <- network of pods"));
        assertThat(report.findings()).extracting(Finding::what).noneMatch(what -> what.contains("copy"));
        assertThat(report.plan()).isEmpty();
    }

    @Test
    void otherSettingsOfACopyAreNamed() throws Exception {
        owned(entry()).installOnce();

        assertThat(new NodeDoctor(owned(entry().put("pod_namespace", "mesh")))
                        .examine()
                        .plan())
                .containsExactly("change the settings of istio-cni in 02-istio-cni.conflist to those of this command:"
                        + " pod_namespace");
        assertThat(new NodeDoctor(installer(HostProgram.inOwnMounts()))
                        .examine()
                        .plan())
                .containsExactly("replace 02-istio-cni.conflist by an entry in 10-ptp.conflist, the setting of this"
                        + " command (the copy is a setting of the daemon: --istio-owned-cni-config)");
    }

    private static ObjectNode entry() {
        return JsonNodeFactory.instance.objectNode().put("type", "istio-cni");
    }

    private Installer installer(HostProgram host) throws IOException {
        return installer(host, entry());
    }

    private Installer installer(HostProgram host, ObjectNode entry) throws IOException {
        return installer(host, InstallSettings.chainedInto(entry));
    }

    private Installer owned(ObjectNode entry) throws IOException {
        return installer(
                HostProgram.inOwnMounts(), new InstallSettings(true, "", entry, false, "02-istio-cni.conflist"));
    }

    private Installer installer(HostProgram host, InstallSettings conf) throws IOException {
        return Installer.with(
                new InstallerSettings(
                        node.confDir(),
                        node.confDir(),
                        node.binDir(),
                        node.binDir(),
                        node.runDirectory(),
                        node.source(),
                        conf,
                        false,
                        node.checkInterval()),
                InstallEvents.none(),
                new Installer.Parts(
                        new DiskSteps(),
                        RunningPlugins.in(node.proc()),
                        host,
                        HostRoot.at(Path.of("/")),
                        ChainAdapters.installed(),
                        RewriteBackoff.Limits.DEFAULT));
    }
}
