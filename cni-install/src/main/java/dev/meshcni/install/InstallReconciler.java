// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.files.DirectoryWatch;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Maintains the installation: a round of the {@link Installer} whenever something changes in the directories that
 * matter, and at intervals in any case.
 */
public final class InstallReconciler implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(InstallReconciler.class);

    /** The directory of the plugin's program in that of its version. */
    private static final String PROGRAMS = "bin";

    private final Installer installer;
    private final BooleanSupplier agentIsFound;
    private final DirectoryWatch watch;
    private final Thread thread;

    private InstallReconciler(Installer installer, BooleanSupplier agentIsFound, DirectoryWatch watch) {
        this.installer = requireNonNull(installer, "installer is null");
        this.agentIsFound = requireNonNull(agentIsFound, "agentIsFound is null");
        this.watch = requireNonNull(watch, "watch is null");
        this.thread = Thread.ofPlatform().name("install").unstarted(this::run);
    }

    /**
     * Starts to install and to watch, as the installer of this node.
     *
     * @param agentIsFound whether plugins find the agent of this daemon; if they do although a newer daemon has taken
     *     over, that one is dead, and this one installs again
     * @throws DaemonException if the run directory cannot be used
     */
    public static InstallReconciler start(Installer installer, BooleanSupplier agentIsFound) {
        installer.claim();
        InstallReconciler started = new InstallReconciler(installer, agentIsFound, DirectoryWatch.open());
        started.thread.start();
        return started;
    }

    /** Stops to watch; the installation stays as it is. A round that has begun comes to its end. */
    @Override
    public void close() {
        watch.close();
        installer.stopTrials();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            do {
                watch.watch(directories());
            } while (watch.await(pause(round())));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private InstallState round() {
        boolean alone = installer.state() instanceof InstallState.Superseded && agentIsFound.getAsBoolean();
        return alone ? installer.takeOver() : installer.round();
    }

    /** The directories to watch: a directory watched before a round cannot change unnoticed after it. */
    private List<Path> directories() {
        List<Path> directories = new ArrayList<>(List.of(installer.settings().binDir()));
        try {
            directories.addAll(installer.conf().directories());
            installer.plugin().current().stream()
                    .map(version -> installer
                            .plugin()
                            .versionsDirectory()
                            .resolve(version)
                            .resolve(PROGRAMS))
                    .forEach(directories::add);
        } catch (IOException e) {
            LOG.debug("cannot watch all directories: {}", e.toString());
        }
        return directories;
    }

    private Duration pause(InstallState state) {
        Duration interval = installer.settings().checkInterval();
        return state instanceof InstallState.Contested contested
                        && contested.pause().compareTo(interval) < 0
                ? contested.pause()
                : interval;
    }
}
