// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.DaemonException;
import dev.meshcni.install.conf.ConfInstaller;
import dev.meshcni.install.conf.FormerConfDirs;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes everything back: the configuration first, also in former directories, so that runtimes stop calling the plugin,
 * then the plugin, then the agent's run directory. A step that fails keeps no other from being taken, except that the
 * plugin stays while a configuration calls it.
 */
final class Uninstallation {
    private static final Logger LOG = LoggerFactory.getLogger(Uninstallation.class);

    private final InstallerSettings settings;
    private final ConfInstaller conf;
    private final FormerConfDirs former;
    private final PluginTree plugin;
    private final RunDirectory runDirectory;
    private final List<DaemonException> failures = new ArrayList<>();

    /** A step. */
    @FunctionalInterface
    private interface Removal {
        void run() throws InterruptedException;
    }

    Uninstallation(
            InstallerSettings settings,
            ConfInstaller conf,
            FormerConfDirs former,
            PluginTree plugin,
            RunDirectory runDirectory) {
        this.settings = requireNonNull(settings, "settings is null");
        this.conf = requireNonNull(conf, "conf is null");
        this.former = requireNonNull(former, "former is null");
        this.plugin = requireNonNull(plugin, "plugin is null");
        this.runDirectory = requireNonNull(runDirectory, "runDirectory is null");
    }

    /** Takes our entry out of all configurations. */
    void takeOutEntries() throws InterruptedException {
        LOG.info("uninstalling from {}, {} and {}", settings.confDir(), settings.binDir(), settings.runDirectory());
        attempt(this::takeOutEntry);
        attempt(this::takeOutFormerEntries);
        if (failures.isEmpty()) {
            attempt(this::forgetDirectories);
        }
    }

    /**
     * Removes the files, once no configuration names the plugin.
     *
     * @param patience how long to wait for plugins that still run
     */
    void removeFiles(Duration patience) throws InterruptedException {
        if (failures.isEmpty()) {
            attempt(() -> removePlugin(patience));
        }
        attempt(this::removeRunDirectory);
    }

    /** @throws DaemonException if something could not be removed; it names all that is left */
    void requireComplete() {
        if (!failures.isEmpty()) {
            throw InstallErrors.all(failures);
        }
    }

    private void attempt(Removal removal) throws InterruptedException {
        try {
            removal.run();
        } catch (DaemonException e) {
            failures.add(e);
        }
    }

    private void takeOutEntry() {
        try {
            conf.uninstall();
            List<String> callers = conf.nestedCallers();
            if (!callers.isEmpty()) {
                throw InstallErrors.stillCalled(settings.conf().type(), callers);
            }
        } catch (IOException e) {
            throw InstallErrors.keepingPlugin(settings.confDir(), e);
        }
    }

    private void takeOutFormerEntries() {
        List<Finding> left = former.uninstall();
        if (!left.isEmpty()) {
            throw InstallErrors.stillCalled(left);
        }
    }

    private void forgetDirectories() {
        try {
            former.forget();
        } catch (IOException e) {
            throw InstallErrors.removingPlugin(settings.binDirOnHost(), e);
        }
    }

    private void removePlugin(Duration patience) throws InterruptedException {
        try {
            plugin.uninstall(patience);
        } catch (IOException e) {
            throw InstallErrors.removingPlugin(settings.binDirOnHost(), e);
        }
    }

    private void removeRunDirectory() {
        try {
            runDirectory.remove();
        } catch (IOException e) {
            throw InstallErrors.usingRunDirectory(settings.runDirectory(), e);
        }
    }
}
