// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import java.time.Duration;

/**
 * The reason why a daemon is stopped. The plugin and its configuration stay in place while the daemon is only being
 * restarted or replaced, so that pods wait for the next one instead of starting without redirection.
 */
@FunctionalInterface
public interface ShutdownReason {
    /** The reason for the shutdown. */
    enum Answer {
        /** Another daemon, or it cannot be known. */
        RESTART,
        /** Nothing: what was installed has to go. */
        UNINSTALL
    }

    /** Of a daemon that has no way to know, and is uninstalled by a command. */
    static ShutdownReason unknown() {
        return _ -> Answer.RESTART;
    }

    /**
     * Finds out.
     *
     * @param patience how long it may take
     */
    Answer ask(Duration patience);
}
