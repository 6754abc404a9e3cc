// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.conf.OwnedConf;
import dev.meshcni.api.spi.ChainAdapter;
import dev.meshcni.config.DaemonException;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.host.linux.RootPath;
import dev.meshcni.install.AgentQuestion;
import dev.meshcni.install.InstallErrors;
import dev.meshcni.install.Installer;
import dev.meshcni.install.InstallerSettings;
import dev.meshcni.install.PluginTree;
import dev.meshcni.install.PluginTrial;
import dev.meshcni.install.conf.ConfInstaller;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Examines a node with the installer's checks, without changing anything. */
public final class NodeDoctor {
    /** Where CRI-O is configured, and that it runs; not there in a container, where nothing is said about it. */
    private static final Path CRIO = Path.of("/etc/crio");

    private static final Path CRIO_SOCKET = Path.of("/var/run/crio/crio.sock");

    private final Installer installer;
    private final InstallerSettings settings;
    private final List<Path> idleJars;

    public NodeDoctor(Installer installer) {
        this(installer, List.of());
    }

    /** A doctor who also says which jars in the directory of chain adapters provide none. */
    public NodeDoctor(Installer installer, List<Path> idleJars) {
        this.installer = requireNonNull(installer, "installer is null");
        this.settings = installer.settings();
        this.idleJars = List.copyOf(idleJars);
    }

    /**
     * Looks.
     *
     * @throws DaemonException if a directory cannot be read
     */
    public NodeReport examine() {
        try {
            ConfInstaller.Assessment assessment = installer.conf().assess();
            boolean agent = new AgentQuestion(settings.runDirectory()).isAnswered();
            return new NodeReport(
                    configuration(assessment.dir()),
                    baseCni(assessment),
                    AdapterLines.of(assessment, installer.conf().detections(assessment.dir()), idleJars),
                    plugin(),
                    (agent ? "an agent answers in " : "no agent answers in ") + settings.runDirectory(),
                    findings(assessment, agent),
                    plan(assessment));
        } catch (IOException e) {
            throw InstallErrors.writingConf(settings.confDir(), e);
        }
    }

    private List<String> configuration(ConfDirSnapshot dir) {
        Optional<ConfFile> primary = dir.primary().map(ConfFile.class::cast);
        return dir.files().stream()
                .map(file -> file.name() + ": " + content(file)
                        + source(file).map(source -> ", a copy of " + source).orElse("")
                        + (primary.equals(Optional.of(file)) ? "  <- network of pods" : ""))
                .toList();
    }

    private Optional<String> source(ConfFile file) {
        return file instanceof ConfFile.Valid valid ? OwnedConf.source(valid, settings.conf()) : Optional.empty();
    }

    private static String content(ConfFile file) {
        return switch (file) {
            case ConfFile.Valid valid -> "network " + valid.list().name() + ", " + types(valid.list());
            case ConfFile.Divided divided ->
                "network " + divided.directory() + ", plugins in " + divided.directory() + "/: "
                        + String.join(" > ", divided.plugins());
            case ConfFile.Invalid invalid -> "cannot be loaded: " + invalid.reason();
        };
    }

    private static String types(NetworkConfigList list) {
        return list.plugins().stream().map(NetworkConfigList.Plugin::type).collect(Collectors.joining(" > "));
    }

    private static String baseCni(ConfInstaller.Assessment assessment) {
        return assessment
                .choice()
                .map(choice -> "chain adapter " + choice.adapter().name() + ": "
                        + choice.detection().reason())
                .orElse("no chain adapter matches");
    }

    private String plugin() throws IOException {
        Path link = settings.binDirOnHost().resolve(PluginTree.LINK);
        Optional<String> current = installer.plugin().current();
        if (current.isPresent()) {
            return link + " points to version " + current.get()
                    + (isWhole() ? "" : ", which is incomplete or differs from this build");
        }
        return hasForeignPlugin() ? link + " is another product's plugin" : link + " does not exist";
    }

    private boolean hasForeignPlugin() throws IOException {
        return installer.plugin().current().isEmpty()
                && Files.exists(settings.binDir().resolve(PluginTree.LINK), LinkOption.NOFOLLOW_LINKS);
    }

    private List<Finding> findings(ConfInstaller.Assessment assessment, boolean agent) throws IOException {
        List<Finding> findings = new ArrayList<>(installer.findings(assessment));
        idleJars.forEach(jar -> findings.add(Finding.warning(
                jar + " provides no chain adapter and has no effect",
                "declare the adapter in its module-info.java (provides), or in META-INF/services, or remove the jar")));
        runDirectoryFinding().ifPresent(findings::add);
        if (Files.exists(CRIO_SOCKET)) {
            CrioNetwork.in(CRIO)
                    .flatMap(network -> network.finding(assessment.dir(), settings.conf()))
                    .ifPresent(findings::add);
        }
        if (assessment.plan() instanceof InstallPlan.Refuse refuse) {
            findings.add(
                    Finding.error("cannot install: " + refuse.file() + ": " + refuse.reason(), "fix " + refuse.file()));
        }
        boolean called = assessment.dir().valid().stream()
                        .flatMap(file -> file.list().plugins().stream())
                        .anyMatch(plugin -> plugin.type().equals(settings.conf().type()))
                || !installer.conf().nestedCallers().isEmpty();
        if (called && hasForeignPlugin()) {
            findings.add(Finding.info(
                    "the configuration calls another product's "
                            + settings.conf().type() + ", "
                            + settings.binDirOnHost().resolve(PluginTree.LINK),
                    "if it is Istio's own, docs/migrating.md has the steps to replace it"));
            return findings;
        }
        if (called && installer.plugin().current().isEmpty()) {
            findings.add(Finding.error(
                    "the configuration names " + settings.conf().type()
                            + ", but the plugin is not installed: no pod can start",
                    "run meshcni install or meshcni uninstall"));
        }
        if (installer.plugin().current().isPresent()) {
            trialFinding(installer.trial().now(Path.of(PluginTree.LINK))).ifPresent(findings::add);
        }
        if (called && !agent) {
            findings.add(Finding.error(
                    "the configuration names " + settings.conf().type() + ", but no agent answers in "
                            + settings.runDirectory() + ": pods of the mesh cannot start",
                    "check the istio-cni-node pod of this node, or run meshcni uninstall"));
        }
        return findings;
    }

    private Optional<Finding> trialFinding(PluginTrial.Verdict verdict) {
        return switch (verdict) {
            case PluginTrial.Verdict.Works _ -> Optional.empty();
            case PluginTrial.Verdict.Unknown unknown ->
                Optional.of(Finding.warning(
                        "cannot verify that the plugin runs on the host: " + unknown.reason(),
                        "check the pod's volumes and capabilities, or run doctor on the node itself"));
            case PluginTrial.Verdict.Broken broken ->
                Optional.of(Finding.error(
                        InstallErrors.runningPlugin(settings.binDirOnHost(), broken.reason())
                                .getMessage(),
                        "fix the reported cause; the daemon removes the plugin from the configuration until it works"));
        };
    }

    private Optional<Finding> runDirectoryFinding() {
        try {
            RootPath.privateDirectory(settings.runDirectory());
            return Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(Finding.error(
                    InstallErrors.usingRunDirectory(settings.runDirectory(), e).getMessage()
                            + ": agent and plugin reject it",
                    "make sure that " + settings.runDirectory()
                            + " is owned by root with mode 0700, and all parent directories are owned by root"));
        }
    }

    private List<String> plan(ConfInstaller.Assessment assessment) throws IOException {
        List<String> plan = new ArrayList<>();
        if (!isWhole()) {
            plan.add(pluginPlan());
        }
        switch (assessment.plan()) {
            case InstallPlan.Wait wait -> plan.add("wait for " + wait.what());
            case InstallPlan.Refuse refuse -> plan.add("keep " + refuse.file() + " unchanged");
            case InstallPlan.Edits edits -> plan.addAll(confPlan(assessment, edits.edits()));
        }
        return plan;
    }

    /** An installation with other settings, such as those of the daemon, lacks nothing but ours. */
    private Optional<String> settingsPlan(ConfInstaller.Assessment assessment) {
        Optional<ConfFile.Valid> copy = assessment.dir().valid().stream()
                .filter(file -> source(file).isPresent())
                .findFirst();
        if (copy.isPresent()) {
            return copyPlan(assessment, copy.get());
        }
        return assessment
                .choice()
                .flatMap(choice -> ownEntry(assessment.dir())
                        .filter(entry -> isInstalledWith(entry, choice.adapter(), assessment.dir()))
                        .map(entry -> settingsPlan(choice.detection().file(), entry)));
    }

    private Optional<String> copyPlan(ConfInstaller.Assessment assessment, ConfFile.Valid copy) {
        String source = source(copy).orElseThrow();
        if (assessment.dir().file(source).isPresent()
                && settings.conf().ownedName().isEmpty()) {
            return Optional.of("replace " + copy.name() + " by an entry in " + source
                    + ", the setting of this command (the copy is a setting of the daemon:"
                    + " --istio-owned-cni-config)");
        }
        return assessment
                .dir()
                .file(source)
                .filter(file -> copy.name().equals(settings.conf().ownedName()))
                .filter(file ->
                        file instanceof ConfFile.Valid valid && OwnedConf.isCurrent(copy, valid, settings.conf()))
                .flatMap(_ -> ownEntry(assessment.dir()))
                .map(entry -> settingsPlan(copy.name(), entry));
    }

    private String settingsPlan(String file, ObjectNode entry) {
        return "change the settings of " + settings.conf().type() + " in " + file + " to those of this command: "
                + String.join(", ", differing(entry));
    }

    private Optional<ObjectNode> ownEntry(ConfDirSnapshot dir) {
        return dir.valid().stream()
                .flatMap(file -> file.list().plugins().stream())
                .filter(plugin -> plugin.type().equals(settings.conf().type()))
                .map(NetworkConfigList.Plugin::json)
                .filter(entry -> entry.has(PrevResultCheck.ADAPTER))
                .findFirst();
    }

    private boolean isInstalledWith(ObjectNode entry, ChainAdapter adapter, ConfDirSnapshot dir) {
        InstallSettings present = new InstallSettings(
                settings.conf().chained(),
                settings.conf().confName(),
                entry,
                settings.conf().forced());
        return adapter.install(dir, present) instanceof InstallPlan.Edits plan
                && plan.edits().isEmpty();
    }

    /** The fields in which an entry is not what this command would write. */
    private List<String> differing(ObjectNode entry) {
        ObjectNode wanted = settings.conf().entry();
        return Stream.concat(entry.propertyStream(), wanted.propertyStream())
                .map(Map.Entry::getKey)
                .distinct()
                .filter(field -> !field.equals(PrevResultCheck.ADAPTER) && !field.equals(OwnedConf.SOURCE))
                .filter(field -> !entry.path(field).equals(wanted.path(field)))
                .toList();
    }

    private boolean isWhole() throws IOException {
        return Files.isDirectory(settings.sourceDir().resolve("bin"))
                && installer.plugin().currentIsWhole();
    }

    private String pluginPlan() {
        try {
            return "install version " + installer.plugin().version() + " of the plugin in " + settings.binDirOnHost();
        } catch (IOException e) {
            return "fail to install the plugin, because " + settings.sourceDir() + " does not contain it"
                    + " (--plugin-source-dir)";
        }
    }

    private List<String> confPlan(ConfInstaller.Assessment assessment, List<FileEdit> edits) {
        Optional<String> onlySettings = edits.isEmpty() ? Optional.empty() : settingsPlan(assessment);
        if (onlySettings.isPresent()) {
            return List.of(onlySettings.get());
        }
        ConfDirSnapshot after = assessment.dir().after(edits);
        return edits.stream()
                .map(edit -> switch (edit) {
                    case FileEdit.Write write ->
                        "write " + write.name() + ": "
                                + after.file(write.name())
                                        .map(NodeDoctor::content)
                                        .orElse("");
                    case FileEdit.Delete delete -> "delete " + delete.name();
                })
                .toList();
    }
}
