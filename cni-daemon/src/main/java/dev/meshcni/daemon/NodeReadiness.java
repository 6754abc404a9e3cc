package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * Why this node is not ready for pods, in words; empty when it is. CNI STATUS, {@code /readyz} and the node's taint all ask
 * here, so that they say the same.
 */
final class NodeReadiness implements Supplier<Optional<String>> {
    private final Supplier<Optional<String>> pods;
    private volatile Supplier<Optional<String>> installation = new InstallState.Starting()::notReady;

    /**
     * The readiness of a node on which the installation has not begun. The agent answers before that, as runtimes call
     * the plugin from the moment on at which it is installed.
     *
     * @param pods why the pods of the node are not known; empty when they are
     */
    NodeReadiness(Supplier<Optional<String>> pods) {
        this.pods = requireNonNull(pods, "pods is null");
    }

    /** From now on the node is ready when the installation is as it should be, too. */
    void installedBy(Supplier<InstallState> state) {
        requireNonNull(state, "state is null");
        installation = () -> state.get().notReady();
    }

    /** From now on the pods alone count. */
    void nothingToInstall() {
        installation = Optional::empty;
    }

    @Override
    public Optional<String> get() {
        return pods.get().or(installation);
    }
}
