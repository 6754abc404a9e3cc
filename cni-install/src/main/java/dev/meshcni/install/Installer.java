// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.chain.ChainAdapters.Choice;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.config.DaemonException;
import dev.meshcni.config.ProductVersion;
import dev.meshcni.files.AtomicFiles;
import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.FileMetadata;
import dev.meshcni.files.FileSteps;
import dev.meshcni.files.SharedFiles;
import dev.meshcni.host.linux.HostProgram;
import dev.meshcni.host.linux.HostRoot;
import dev.meshcni.install.InstallEvents.Part;
import dev.meshcni.install.InstallEvents.Result;
import dev.meshcni.install.conf.ConfDirRecord;
import dev.meshcni.install.conf.ConfInstaller;
import dev.meshcni.install.conf.FormerConfDirs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the node call our plugin, and keeps it so: the plugin first, then the configuration that names it, so that a
 * runtime never looks for a plugin that is not there.
 *
 * <p>Each round inspects everything and makes missing changes. It keeps no state, so it does not matter when the last
 * process was killed.
 */
public final class Installer {
    private static final Logger LOG = LoggerFactory.getLogger(Installer.class);

    private static final Duration WRITING_TIME = Duration.ofMillis(100);

    /** The time that another installer may take; longer than copying the plugin to a slow disk. */
    private static final Duration TURN = Duration.ofSeconds(10);

    /** Trials of the plugin in a row that may fail for want of memory or time. */
    private static final int MOST_FAILED_TRIALS = 3;

    private final InstallerSettings settings;
    private final InstallEvents events;
    private final InstallerLease lease;
    private final PluginTrial trial;
    private final PluginTree plugin;
    private final ConfInstaller conf;
    private final FormerConfDirs former;
    private final RunDirectory runDirectory;
    private final RewriteBackoff pluginBackoff;
    private final RewriteBackoff confBackoff;
    private volatile InstallState state = new InstallState.Starting();
    private boolean pluginInstalled;
    private boolean confInstalled;
    private int failedTrials;

    /** Decides whether this process may change the node; asked when it is its turn. */
    @FunctionalInterface
    private interface Right {
        boolean isThere() throws IOException;
    }

    private Installer(InstallerSettings settings, InstallEvents events, Parts parts) {
        this.settings = requireNonNull(settings, "settings is null");
        this.events = requireNonNull(events, "events is null");
        AtomicFiles files = new AtomicFiles(parts.steps());
        this.lease = new InstallerLease(settings.runDirectory(), files);
        this.trial = new PluginTrial(parts.host(), settings.binDir(), settings.binDirOnHost(), System::nanoTime);
        this.plugin = new PluginTree(
                settings.sourceDir(),
                settings.binDir(),
                ProductVersion.text(),
                parts.steps(),
                parts.running(),
                trial,
                System::nanoTime);
        this.conf = new ConfInstaller(
                settings.confDir(),
                settings.conf(),
                parts.adapters(),
                new SharedFiles(parts.steps()),
                FileMetadata.ofMode(settings.groupRead() ? "rw-r-----" : "rw-------"));
        this.former = new FormerConfDirs(
                new ConfDirRecord(
                        plugin.versionsDirectory(), settings.binDirOnHost().resolve(PluginTree.VERSIONS), files),
                parts.root(),
                conf,
                settings.confDirOnHost());
        this.runDirectory = new RunDirectory(settings.runDirectory(), files);
        this.pluginBackoff = new RewriteBackoff(parts.limits(), System::nanoTime);
        this.confBackoff = new RewriteBackoff(parts.limits(), System::nanoTime);
    }

    /** The parts of an installer that tests replace. */
    public record Parts(
            FileSteps steps,
            RunningPlugins running,
            HostProgram host,
            HostRoot root,
            ChainAdapters adapters,
            RewriteBackoff.Limits limits) {
        static Parts ofNode(ChainAdapters adapters) {
            return new Parts(
                    new DiskSteps(),
                    RunningPlugins.ofNode(),
                    PluginTrial.ofNode(),
                    HostRoot.ofNode(),
                    adapters,
                    RewriteBackoff.Limits.DEFAULT);
        }
    }

    /** An installer for this node; nothing happens yet. */
    public static Installer of(InstallerSettings settings, ChainAdapters adapters, InstallEvents events) {
        return with(settings, events, Parts.ofNode(adapters));
    }

    /** The same with parts of its own. */
    public static Installer with(InstallerSettings settings, InstallEvents events, Parts parts) {
        return new Installer(settings, events, parts);
    }

    /** The settings of this installer. */
    public InstallerSettings settings() {
        return settings;
    }

    /** The current state. */
    public InstallState state() {
        return state;
    }

    /** Returns whether the plugin is there already, so that pods wait for an agent instead of starting without. */
    public boolean isInstalledBefore() {
        try {
            return plugin.current().isPresent();
        } catch (IOException e) {
            return false;
        }
    }

    /** Makes this the installer of the node: others that still run leave it to this one. */
    public synchronized void claim() {
        try (InstallerLease.Turn _ = lease.takeTurn(TURN)) {
            lease.claim();
        } catch (IOException e) {
            throw InstallErrors.usingRunDirectory(settings.runDirectory(), e);
        }
    }

    /** Inspects everything and restores what is wrong, unless another installer has claimed the node. */
    public synchronized InstallState round() {
        return round(lease::isHeld);
    }

    /** Claims the node, as another installer that had done so is gone, and puts right what is wrong. */
    public synchronized InstallState takeOver() {
        return round(() -> {
            lease.claim();
            return true;
        });
    }

    /** Installs once, possibly while a daemon is running. */
    public synchronized InstallState installOnce() {
        return round(() -> true);
    }

    /**
     * Takes everything back; what fails keeps nothing else from being removed, except that the plugin stays while a
     * configuration calls it.
     *
     * @param patience how long to wait for plugins that still run
     * @throws DaemonException if something cannot be removed; it names all that is left
     */
    public synchronized void uninstall(Duration patience) throws InterruptedException {
        uninstall(patience, TURN, () -> true);
    }

    /** The same, unless another installer has claimed the node: then everything is that one's. */
    synchronized void uninstallIfHolder(Duration patience) throws InterruptedException {
        uninstall(patience, patience, lease::isHeld);
    }

    /**
     * Says which pods Multus has attached to a network of ours and not detached yet, and what an uninstallation means
     * for them; empty if there are none. Once uninstalled, this is not known any more.
     */
    public Optional<String> attachedPods() {
        String network = settings.conf().type();
        return InstallLog.attachedPods(network, runDirectory.attachedTo(network));
    }

    /**
     * The findings about the current configuration, and those about former directories.
     *
     * @throws DaemonException if it cannot be read
     */
    public synchronized List<Finding> findings() {
        try {
            return findings(conf.assess());
        } catch (IOException e) {
            throw InstallErrors.writingConf(settings.confDir(), e);
        }
    }

    /** The findings about the current configuration as it was assessed, and those about former directories. */
    public List<Finding> findings(ConfInstaller.Assessment assessment) {
        return joined(conf.findings(assessment), former.findings());
    }

    /** Stops test runs of the plugin on the host, because this process is about to exit. */
    void stopTrials() {
        trial.close();
    }

    public PluginTrial trial() {
        return trial;
    }

    public PluginTree plugin() {
        return plugin;
    }

    public ConfInstaller conf() {
        return conf;
    }

    private InstallState round(Right right) {
        try (InstallerLease.Turn _ = lease.takeTurn(TURN)) {
            enter(right.isThere() ? ensure() : new InstallState.Superseded());
        } catch (IOException e) {
            enter(new InstallState.Failed(
                    InstallErrors.usingRunDirectory(settings.runDirectory(), e).getMessage()));
        } catch (DaemonException e) {
            enter(new InstallState.Failed(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.error("unexpected error in a chain adapter", e);
            enter(new InstallState.Failed(e.toString()));
        }
        return state;
    }

    private void uninstall(Duration patience, Duration turn, Right right) throws InterruptedException {
        Uninstallation uninstallation = new Uninstallation(settings, conf, former, plugin, runDirectory);
        try (InstallerLease.Turn _ = lease.takeTurn(turn)) {
            if (!right.isThere()) {
                enter(new InstallState.Superseded());
                return;
            }
            uninstallation.takeOutEntries();
        } catch (IOException e) {
            throw InstallErrors.usingRunDirectory(settings.runDirectory(), e);
        }
        uninstallation.removeFiles(patience);
        confInstalled = false;
        pluginInstalled = false;
        enter(new InstallState.Starting());
        uninstallation.requireComplete();
    }

    private InstallState ensure() {
        Optional<InstallState> obstacle = ensurePlugin();
        requireWorkingPlugin();
        return obstacle.orElseGet(this::ensureConf);
    }

    private Optional<InstallState> ensurePlugin() {
        try {
            boolean repair = pluginInstalled && !plugin.currentIsWhole();
            if (repair) {
                Duration pause = pluginBackoff.needed();
                if (!pause.isZero()) {
                    return Optional.of(new InstallState.Contested(
                            settings.binDirOnHost().resolve(PluginTree.LINK).toString(), pause));
                }
            }
            plugin.ensure();
            pluginInstalled = true;
            if (repair) {
                pluginRepaired();
            }
            plugin.removeUnused();
            return Optional.empty();
        } catch (UnusablePluginException e) {
            events.attempted(Result.COPY_BINARIES_FAILURE);
            requireWorkingPlugin();
            throw InstallErrors.runningPlugin(settings.binDirOnHost(), e.getMessage());
        } catch (IOException e) {
            events.attempted(Result.COPY_BINARIES_FAILURE);
            throw InstallErrors.writingPlugin(settings.binDirOnHost(), e);
        }
    }

    /**
     * An entry whose plugin the host does not run keeps every pod from starting, in the mesh or not, so it is taken out
     * of every directory. What may be the machine's state of the moment has to happen several times in a row; until
     * then nothing is put in.
     */
    private void requireWorkingPlugin() {
        try {
            if (plugin.current().isEmpty()) {
                return;
            }
            if (!(trial.recent(Path.of(PluginTree.LINK)) instanceof PluginTrial.Verdict.Broken broken)) {
                failedTrials = 0;
                return;
            }
            failedTrials++;
            boolean takeOut = broken.certain() || failedTrials >= MOST_FAILED_TRIALS;
            if (takeOut) {
                conf.uninstall();
                confInstalled = false;
            }
            if (!confInstalled) {
                String left = takeOut
                        ? former.uninstall().stream()
                                .map(finding -> "; " + finding.what())
                                .collect(Collectors.joining())
                        : "";
                throw InstallErrors.runningPlugin(settings.binDirOnHost(), broken.reason() + left);
            }
            LOG.warn("the plugin failed its test run on this host: {}", broken.reason());
        } catch (IOException e) {
            throw InstallErrors.writingConf(settings.confDir(), e);
        }
    }

    private InstallState ensureConf() {
        try {
            conf.sweep();
            ConfInstaller.Assessment assessment = conf.assess();
            return assessment.edits().isEmpty() ? reached(assessment) : write(settled(assessment));
        } catch (IOException e) {
            events.attempted(Result.CREATE_CNI_CONFIG_FAILURE);
            throw InstallErrors.writingConf(settings.confDir(), e);
        }
    }

    /**
     * A file that cannot be parsed, or is gone, may be one that its owner is writing: it is not the time to choose
     * another one.
     */
    private ConfInstaller.Assessment settled(ConfInstaller.Assessment assessment) throws IOException {
        if (assessment.dir().invalid().isEmpty() && !assessment.removesOnly()) {
            return assessment;
        }
        LockSupport.parkNanos(WRITING_TIME.toNanos());
        return conf.assess();
    }

    private InstallState write(ConfInstaller.Assessment assessment) throws IOException {
        boolean following = conf.isFollowing(assessment);
        boolean repair = confInstalled && !following;
        if (repair) {
            Duration pause = confBackoff.needed();
            if (!pause.isZero()) {
                return new InstallState.Contested(settings.confDir().toString(), pause);
            }
        }
        if (!assessment.edits().isEmpty()) {
            noteDirectory();
        }
        ConfInstaller.Assessment after = conf.carryOut(assessment);
        if (following) {
            InstallLog.followed(assessment.edits());
        } else if (!assessment.edits().isEmpty()) {
            events.entryWritten();
            if (repair) {
                confRepaired(assessment);
            }
        }
        return reached(after);
    }

    private void noteDirectory() {
        try {
            former.note();
        } catch (IOException e) {
            throw InstallErrors.writingPlugin(settings.binDirOnHost(), e);
        }
    }

    /** The state of a directory in which there is nothing to edit. */
    private InstallState reached(ConfInstaller.Assessment assessment) throws IOException {
        InstallState reached = switch (assessment.plan()) {
            case InstallPlan.Wait wait -> new InstallState.Waiting(wait.what());
            case InstallPlan.Refuse refuse -> new InstallState.Refused(refuse.file(), refuse.reason());
            case InstallPlan.Edits _ -> installed(assessment);
        };
        // Until the entry is in the right directory, a former one may be that which keeps pods in the mesh; and what is
        // a former one here may be the directory of a daemon that runs.
        boolean moves = reached instanceof InstallState.Installed && !lease.isOfAnother();
        List<Finding> left = moves ? former.takeOut() : former.findings();
        events.found(joined(conf.findings(assessment), left));
        return reached;
    }

    private InstallState installed(ConfInstaller.Assessment assessment) throws IOException {
        confInstalled = true;
        Choice choice = assessment.choice().orElseThrow();
        String owned = settings.conf().ownedName();
        String file = owned.isEmpty() ? choice.detection().file() : owned;
        return new InstallState.Installed(choice.adapter().name(), file, plugin.version());
    }

    private void pluginRepaired() {
        events.rewritten(Part.PLUGIN);
        InstallLog.pluginRepaired(settings.binDirOnHost().resolve(PluginTree.LINK), pluginBackoff.rewritten());
    }

    private void confRepaired(ConfInstaller.Assessment before) {
        events.rewritten(Part.CONF);
        String base = ChainedConf.baseType(before.dir(), settings.conf()).orElse("no base CNI");
        InstallLog.confRepaired(before.edits(), base, confBackoff.rewritten());
    }

    private void enter(InstallState next) {
        InstallState last = state;
        state = next;
        boolean wasReady = last.notReady().isEmpty();
        boolean isReady = next.notReady().isEmpty();
        if (isReady != wasReady) {
            events.ready(isReady);
        }
        if (next instanceof InstallState.Installed && !wasReady) {
            events.attempted(Result.SUCCESS);
        }
        if (!next.equals(last)) {
            InstallLog.entered(next);
        }
    }

    private static List<Finding> joined(List<Finding> some, List<Finding> more) {
        return Stream.of(some, more).flatMap(List::stream).toList();
    }
}
