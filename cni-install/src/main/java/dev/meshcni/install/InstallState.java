// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/** The state of the installation on this node. */
public sealed interface InstallState {
    /** Returns the reason why the node is not ready for pods, in words; empty if it is ready. */
    default Optional<String> notReady() {
        return switch (this) {
            case Starting _ -> Optional.of("installation has not started yet");
            case Waiting waiting -> Optional.of("waiting for " + waiting.what());
            case Refused refused -> Optional.of(refused.file() + ": " + refused.reason());
            case Failed failed -> Optional.of(failed.message());
            case Contested contested ->
                Optional.of(contested.what() + " is rewritten repeatedly; next attempt in "
                        + contested.pause().toSeconds() + " s");
            case Superseded _ -> Optional.of("a newer daemon has taken over this node");
            case Installed _ -> Optional.empty();
        };
    }

    /** Returns whether a pod that starts now is redirected: the plugin is in place and the configuration calls it. */
    default boolean canRedirect() {
        return this instanceof Installed;
    }

    /** Nothing has been tried yet. */
    record Starting() implements InstallState {}

    /**
     * The base CNI has not written its configuration.
     *
     * @param what what is waited for
     */
    record Waiting(String what) implements InstallState {
        public Waiting {
            Objects.requireNonNull(what, "what is null");
        }
    }

    /**
     * A configuration is not modified, an operator has to intervene.
     *
     * @param file the file
     * @param reason why, with line and column where it is a matter of syntax
     */
    record Refused(String file, String reason) implements InstallState {
        public Refused {
            Objects.requireNonNull(file, "file is null");
            Objects.requireNonNull(reason, "reason is null");
        }
    }

    /**
     * It was tried and did not succeed; it will be tried again.
     *
     * @param message what failed, and what to do about it
     */
    record Failed(String message) implements InstallState {
        public Failed {
            Objects.requireNonNull(message, "message is null");
        }
    }

    /**
     * Another process keeps undoing the installation; the next attempt has to wait.
     *
     * @param what what is rewritten
     * @param pause how long the next attempt waits
     */
    record Contested(String what, Duration pause) implements InstallState {
        public Contested {
            Objects.requireNonNull(what, "what is null");
            Objects.requireNonNull(pause, "pause is null");
        }
    }

    /** A newer daemon installs on this node, and answers the plugin; this one does so again if that one dies. */
    record Superseded() implements InstallState {}

    /**
     * Everything is in place.
     *
     * @param adapter the chain adapter that answers for the base CNI
     * @param file the configuration file that holds our plugin
     * @param version the version of the plugin
     */
    record Installed(String adapter, String file, String version) implements InstallState {
        public Installed {
            Objects.requireNonNull(adapter, "adapter is null");
            Objects.requireNonNull(file, "file is null");
            Objects.requireNonNull(version, "version is null");
        }
    }
}
