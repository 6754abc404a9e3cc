// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import java.time.Duration;
import java.util.function.BooleanSupplier;
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

    private ManagedInstallation(Installer installer, InstallReconciler watch, ShutdownReason reason) {
        this.installer = requireNonNull(installer, "installer is null");
        this.watch = requireNonNull(watch, "watch is null");
        this.reason = requireNonNull(reason, "reason is null");
    }

    /**
     * Installs and keeps it so. The agent must be there already: from now on runtimes call the plugin.
     *
     * @param agentIsFound whether plugins find the agent of this daemon, and not that of a newer one
     * @throws DaemonException if the run directory cannot be used
     */
    public static ManagedInstallation start(Installer installer, ShutdownReason reason, BooleanSupplier agentIsFound) {
        return new ManagedInstallation(installer, InstallReconciler.start(installer, agentIsFound), reason);
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

    private void uninstall() {
        try {
            installer.uninstallIfHolder(TIME_FOR_PLUGINS);
        } catch (DaemonException e) {
            LOG.error("uninstallation incomplete: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
