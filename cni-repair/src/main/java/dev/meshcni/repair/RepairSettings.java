// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import dev.meshcni.kubernetes.NodePod;
import dev.meshcni.kubernetes.PodSelection;
import java.time.Duration;

/**
 * The repair settings for pods that run without the redirection they need.
 *
 * @param mode what is done to them
 * @param evict whether a pod is deleted through the eviction API, which respects disruption budgets
 * @param labelKey the label of mode {@link Mode#LABEL}
 * @param labelValue its value
 * @param crash what a validation that fails looks like
 * @param selection the pods to repair
 * @param driftInterval how long a round over all running pods takes; zero for none
 * @param driftRepair whether changed rules of a running pod are restored
 * @param perMinute how many pods are deleted or labelled in a minute at most
 */
public record RepairSettings(
        Mode mode,
        boolean evict,
        String labelKey,
        String labelValue,
        CrashSign crash,
        PodSelection selection,
        Duration driftInterval,
        boolean driftRepair,
        int perMinute) {
    /** Istio's default for {@link #labelKey}. */
    public static final String LABEL_KEY = "cni.istio.io/uninitialized";

    /** Istio's default for {@link #labelValue}. */
    public static final String LABEL_VALUE = "true";

    /** The init container that the injector adds, and its exit code when it has found no redirection. */
    public static final String VALIDATION = "istio-validation";

    public static final int VALIDATION_FAILED = 126;

    /** The repair action for a pod without redirection. */
    public enum Mode {
        /** Its redirection is set up while it runs. */
        REPAIR("repair"),
        /** It is deleted, so that its controller makes a new one. */
        DELETE("delete"),
        /** It is labelled, for others to deal with. */
        LABEL("label"),
        /** It is reported only. */
        REPORT("report");

        private final String label;

        Mode(String label) {
            this.label = label;
        }

        /** The value of the metric's label {@code type}. */
        public String label() {
            return label;
        }
    }

    /**
     * The criteria for an init container that failed without redirection.
     *
     * @param container its name; empty for any
     * @param exitCode its exit code; 0 for any
     * @param message its termination message; empty for any
     */
    public record CrashSign(String container, int exitCode, String message) {
        public boolean matches(NodePod pod) {
            return pod.crashes().stream()
                    .anyMatch(crash -> (container.isEmpty() || container.equals(crash.container()))
                            && (exitCode == 0 || exitCode == crash.exitCode())
                            && (message.isBlank() || message.strip().equals(crash.message())));
        }
    }

    public RepairSettings {
        requireNonNull(mode, "mode is null");
        requireNonNull(labelKey, "labelKey is null");
        requireNonNull(labelValue, "labelValue is null");
        requireNonNull(crash, "crash is null");
        requireNonNull(selection, "selection is null");
        requireNonNull(driftInterval, "driftInterval is null");
        if (perMinute < 1) {
            throw new DaemonException("--repair-per-minute must be at least 1, not " + perMinute);
        }
        if (driftInterval.isNegative()) {
            throw new DaemonException("--drift-interval-seconds must not be negative");
        }
    }
}
