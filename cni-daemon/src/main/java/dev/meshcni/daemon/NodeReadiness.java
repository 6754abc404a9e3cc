// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.util.Objects.requireNonNull;

import dev.meshcni.install.InstallState;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The reason why this node is not ready for pods; empty when it is. CNI STATUS, {@code /readyz} and the node's taint
 * all use this, so that they agree; STATUS does not report transient problems ({@link #lasting}).
 */
final class NodeReadiness implements Supplier<Optional<String>> {
    /** Problems that are resolved within this time, such as a restart of the daemon, do not keep pods off a node. */
    static final Duration GRACE = Duration.ofSeconds(30);

    private final Supplier<Optional<String>> pods;
    private volatile Supplier<Optional<String>> installation = new InstallState.Starting()::notReady;
    private volatile BooleanSupplier superseded = () -> false;

    /**
     * The readiness of a node on which the installation has not begun. The agent answers before that, as runtimes call
     * the plugin from the moment on at which it is installed.
     *
     * @param pods why the pods of the node are not known; empty when they are
     */
    NodeReadiness(Supplier<Optional<String>> pods) {
        this.pods = requireNonNull(pods, "pods is null");
    }

    /** Makes readiness depend on the installation as well. */
    void installedBy(Supplier<InstallState> state) {
        requireNonNull(state, "state is null");
        installation = () -> state.get().notReady();
        superseded = () -> state.get() instanceof InstallState.Superseded;
    }

    /** Makes readiness depend on the pods alone. */
    void nothingToInstall() {
        installation = Optional::empty;
    }

    /** Returns whether a newer daemon serves this node, so that its readiness counts and not this one. */
    boolean isSuperseded() {
        return superseded.getAsBoolean();
    }

    /**
     * The reason why the daemon's pod is not ready. One that a newer daemon has taken over from stays ready until it is
     * stopped: a DaemonSet controller deletes the older pod of a node as soon as that is not ready, whether or not the
     * newer one works, and then none could take over again.
     */
    Optional<String> ofPod() {
        return isSuperseded() ? Optional.empty() : get();
    }

    @Override
    public Optional<String> get() {
        return pods.get().or(installation);
    }

    /**
     * The same reason once it has lasted for {@link #GRACE}, for CNI STATUS: on it, a runtime marks the whole node as
     * not ready, which takes the pods that run there out of their Services. An ADD that comes meanwhile waits, or is
     * tried again.
     *
     * @param nanoTime a clock such as {@link System#nanoTime}
     */
    Supplier<Optional<String>> lasting(LongSupplier nanoTime) {
        AtomicLong since = new AtomicLong(nanoTime.getAsLong());
        return () -> {
            Optional<String> reason = get();
            if (reason.isEmpty()) {
                since.set(nanoTime.getAsLong());
            }
            return reason.filter(_ -> nanoTime.getAsLong() - since.get() >= GRACE.toNanos());
        };
    }
}
