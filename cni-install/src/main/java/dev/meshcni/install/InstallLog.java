// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.api.conf.FileEdit;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Log messages of the installation. */
final class InstallLog {
    private static final Logger LOG = LoggerFactory.getLogger(InstallLog.class);

    /** More than most nodes have pods; a line of a log has its limits. */
    private static final int SHOWN_PODS = 250;

    private InstallLog() {}

    /**
     * Logs that the plugin was restored.
     *
     * @param pause the delay before the next attempt; zero unless another process keeps rewriting it
     */
    static void pluginRepaired(Path link, Duration pause) {
        if (pause.isZero()) {
            LOG.warn("{} was changed by another process; reinstalling it", link);
        } else {
            LOG.warn(
                    "{} is replaced repeatedly; next attempt in at least {} s. If another istio-cni is installed on"
                            + " this node, remove its DaemonSet",
                    link,
                    pause.toSeconds());
        }
    }

    /**
     * Logs that the configuration was restored.
     *
     * @param base the type of the base CNI
     * @param pause the delay before the next attempt; zero unless another process keeps rewriting it
     */
    static void confRepaired(List<FileEdit> edits, String base, Duration pause) {
        String files =
                String.join(", ", edits.stream().map(FileEdit::name).distinct().toList());
        if (pause.isZero()) {
            LOG.warn("{} was rewritten without our plugin; adding it again (base CNI: {})", files, base);
        } else {
            LOG.warn(
                    "{} is rewritten repeatedly, most likely by {}; next attempt in at least {} s. {}",
                    files,
                    base,
                    pause.toSeconds(),
                    RewriteRemedy.of(base));
        }
    }

    /** Logs that our copy of the base CNI's file was changed as that file was. */
    static void followed(List<FileEdit> edits) {
        edits.forEach(edit -> LOG.info("{} follows a change of the base CNI's configuration", edit.name()));
    }

    /** What the end of a network means for the pods that are attached to it; empty if none is. */
    static Optional<String> attachedPods(String network, List<String> pods) {
        if (pods.isEmpty()) {
            return Optional.empty();
        }
        String more = pods.size() > SHOWN_PODS ? " and " + (pods.size() - SHOWN_PODS) + " more" : "";
        return Optional.of("pods attached to the network " + network + ", which has no plugin now: "
                + String.join(", ", pods.subList(0, Math.min(pods.size(), SHOWN_PODS))) + more
                + ". Where Multus has retryDeleteOnError they cannot be deleted: install again, delete them, and"
                + " uninstall");
    }

    /** Logs a new state of the installation. */
    static void entered(InstallState state) {
        switch (state) {
            case InstallState.Starting _, InstallState.Contested _ -> {}
            case InstallState.Waiting waiting -> LOG.info("waiting for {}", waiting.what());
            case InstallState.Refused refused ->
                LOG.error("not installed: {} not modified: {}", refused.file(), refused.reason());
            case InstallState.Failed failed -> LOG.error("not installed: {}", failed.message());
            case InstallState.Superseded _ ->
                LOG.info("a newer daemon has taken over this node; waiting until this or the newer daemon stops");
            case InstallState.Installed installed ->
                LOG.info(
                        "installed: {} runs plugin version {} (chain adapter {})",
                        installed.file(),
                        installed.version(),
                        installed.adapter());
        }
    }
}
