// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.telemetry.AgentMetrics;
import java.util.List;

/** Events of the installation, for metrics and logs. */
public interface InstallEvents {
    /** The end of an attempt to install, named as Istio's {@code istio_cni_installs_total} names it. */
    enum Result {
        /** All is installed. */
        SUCCESS,
        /** The plugin could not be copied. */
        COPY_BINARIES_FAILURE,
        /** The configuration could not be written. */
        CREATE_CNI_CONFIG_FAILURE
    }

    /** The part of the installation that another process changed and that was restored. */
    enum Part {
        PLUGIN,
        CONF
    }

    /** Counts nothing. */
    static InstallEvents none() {
        return new InstallEvents() {
            @Override
            public void attempted(Result result) {}

            @Override
            public void rewritten(Part part) {}

            @Override
            public void ready(boolean ready) {}
        };
    }

    /**
     * The daemon's metrics count, and its log tells what was found.
     *
     * @param pluginWasMissing what follows when a configuration calls the plugin again
     */
    static InstallEvents countedBy(AgentMetrics metrics, Runnable pluginWasMissing) {
        FindingsLog log = new FindingsLog();
        return new InstallEvents() {
            @Override
            public void found(List<Finding> findings) {
                log.tell(findings);
            }

            @Override
            public void entryWritten() {
                pluginWasMissing.run();
            }

            @Override
            public void attempted(Result result) {
                metrics.installed(result.name());
            }

            @Override
            public void rewritten(Part part) {
                metrics.confRewritten();
            }

            @Override
            public void ready(boolean ready) {
                metrics.installReady(ready);
            }
        };
    }

    /** Reports the current findings, each time that nothing is left to edit. */
    default void found(List<Finding> findings) {}

    /** Our entry was written; runtimes may have set up pods without the plugin until then. */
    default void entryWritten() {}

    /** Something was installed, or could not be. */
    void attempted(Result result);

    /** A part of the installation was restored. */
    void rewritten(Part part);

    /** The node became ready for pods, or ceased to be. */
    void ready(boolean ready);
}
