// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The installation on this node for as long as the daemon runs; at its end it stays or is taken back. */
public final class ManagedInstallation implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ManagedInstallation.class);

    /** Together less than the five seconds that Istio's DaemonSet gives its pods to end. */
    private static final Duration TIME_TO_ASK = Duration.ofSeconds(2);

    private static final Duration TIME_FOR_PLUGINS = Duration.ofSeconds(1);

    private final Installer installer;
    private final InstallReconciler watch;
    private final ShutdownReason reason;
    private final UninstallStep further;
    private volatile List<String> leftovers = List.of();

    private ManagedInstallation(
            Installer installer, InstallReconciler watch, ShutdownReason reason, UninstallStep further) {
        this.installer = requireNonNull(installer, "installer is null");
        this.watch = requireNonNull(watch, "watch is null");
        this.reason = requireNonNull(reason, "reason is null");
        this.further = requireNonNull(further, "further is null");
    }

    /**
     * Installs and keeps it so. The agent must be there already: from now on runtimes call the plugin.
     *
     * @param agentIsFound whether plugins find the agent of this daemon, and not that of a newer one
     * @param further what an uninstallation removes besides the files of the node
     * @throws DaemonException if the run directory cannot be used
     */
    public static ManagedInstallation start(
            Installer installer, ShutdownReason reason, BooleanSupplier agentIsFound, UninstallStep further) {
        return new ManagedInstallation(installer, InstallReconciler.start(installer, agentIsFound), reason, further);
    }

    /** The current state. */
    public InstallState state() {
        return installer.state();
    }

    /** Returns whether a pod that starts now calls the plugin; whoever replaces pods has to wait until it does. */
    public boolean canRedirect() {
        return state().canRedirect();
    }

    /** Ends it: what was installed stays for the next daemon, or goes if there will be none. */
    @Override
    public void close() {
        watch.close();
        if (installer.state() instanceof InstallState.Superseded) {
            return;
        }
        switch (reason.ask(TIME_TO_ASK)) {
            case RESTART -> LOG.info("keeping plugin and configuration; new pods wait for the next daemon");
            case UNINSTALL -> uninstall();
        }
    }

    /**
     * What an uninstallation at the end could not remove, with the remedy for each; empty before, and if all is gone.
     */
    public List<String> leftovers() {
        return leftovers;
    }

    /** The node's files come first: as long as the configuration calls the plugin, new pods wait for an agent. */
    private void uninstall() {
        Optional<String> attached = installer.attachedPods();
        Optional<String> files = removeFiles();
        if (installer.state() instanceof InstallState.Superseded) {
            return;
        }
        attached.ifPresent(LOG::warn);
        leftovers = Stream.of(files, further.run(TIME_TO_ASK))
                .flatMap(Optional::stream)
                .toList();
        leftovers.forEach(left -> LOG.error("uninstallation incomplete: {}", left));
    }

    private Optional<String> removeFiles() {
        try {
            installer.uninstallIfHolder(TIME_FOR_PLUGINS);
            return Optional.empty();
        } catch (DaemonException e) {
            return Optional.of(e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("interrupted; run \"meshcni uninstall\" on this node");
        }
    }
}
