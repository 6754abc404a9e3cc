package dev.meshcni.cli;

import static java.util.Objects.requireNonNull;

import dev.meshcni.core.RedirectException;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.spi.RedirectBackend;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A network namespace that {@code meshcni iptables} sets up.
 *
 * @param backend what changes and reads it
 * @param path the file that stands for it
 */
record Namespace(RedirectBackend backend, Path path) {
    private static final Logger LOG = System.getLogger(Namespace.class.getName());

    /** That of this process. */
    static final Path OWN = Path.of("/proc/self/ns/net");

    private static final RedirectPlan NOTHING = new RedirectPlan(List.of(), List.of(), Optional.empty());

    Namespace {
        requireNonNull(backend, "backend is null");
        requireNonNull(path, "path is null");
    }

    /**
     * Sets a plan up; does nothing where it is in place.
     *
     * @param replace whether what an earlier run with other flags has left may be replaced
     * @throws RedirectException if it may not, or a step fails; then all is as it was
     */
    void apply(RedirectPlan plan, boolean replace) {
        List<RuleDifference> differences = backend.differences(path, plan);
        if (differences.isEmpty()) {
            LOG.log(Level.INFO, "everything is in place already");
            return;
        }
        if (!replace && !backend.differences(path, NOTHING).isEmpty()) {
            throw new RedirectException("an earlier run with other flags has set up a redirection here, "
                    + differences.size() + " things differ, the first: " + differences.getFirst()
                    + "; --reconcile replaces it, --cleanup-only removes it");
        }
        backend.apply(path, plan);
        LOG.log(Level.INFO, "the redirection is in place");
    }

    /** Removes whatever earlier runs have left. */
    void cleanUp() {
        backend.remove(path);
        LOG.log(Level.INFO, "no redirection is left");
    }
}
