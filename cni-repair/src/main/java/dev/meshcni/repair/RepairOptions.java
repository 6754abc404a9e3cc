// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import dev.meshcni.config.DaemonException;
import dev.meshcni.kubernetes.PodSelection;
import dev.meshcni.redirect.RedirectPolicy;
import java.time.Duration;
import picocli.CommandLine.Option;

/** The options of repair; names and defaults are those that Istio's install-cni and its chart have. */
public final class RepairOptions {
    @Option(
            names = "--repair-enabled",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "true",
            description = "Detect pods that run without redirection. Default: ${DEFAULT-VALUE}.")
    private boolean enabled;

    @Option(
            names = "--repair-repair-pods",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            description =
                    "Set up the redirection of such pods in place. Default: true, unless they are deleted or labelled.")
    private Boolean repairPods;

    @Option(
            names = "--repair-delete-pods",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Delete such pods, so that their controllers replace them.")
    private boolean deletePods;

    @Option(
            names = "--repair-evict",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "true",
            description = "Delete pods by eviction, which respects PodDisruptionBudgets. Default: ${DEFAULT-VALUE}.")
    private boolean evict;

    @Option(
            names = "--repair-label-pods",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Label such pods, for other tools to handle.")
    private boolean labelPods;

    @Option(
            names = {"--repair-label-key", "--repair-broken-pod-label-key"},
            paramLabel = "KEY",
            defaultValue = RepairSettings.LABEL_KEY,
            description = "Key of that label. Default: ${DEFAULT-VALUE}.")
    private String labelKey;

    @Option(
            names = {"--repair-label-value", "--repair-broken-pod-label-value"},
            paramLabel = "VALUE",
            defaultValue = RepairSettings.LABEL_VALUE,
            description = "Value of that label. Default: ${DEFAULT-VALUE}.")
    private String labelValue;

    @Option(
            names = "--repair-sidecar-annotation",
            paramLabel = "KEY",
            defaultValue = RedirectPolicy.STATUS,
            description = "Only repair pods with this annotation. Default: ${DEFAULT-VALUE}.")
    private String sidecarAnnotation;

    @Option(
            names = "--repair-init-container-name",
            paramLabel = "NAME",
            defaultValue = RepairSettings.VALIDATION,
            description = "Name of the init container that fails without redirection. Default: ${DEFAULT-VALUE}.")
    private String initContainerName;

    @Option(
            names = "--repair-init-container-termination-message",
            paramLabel = "TEXT",
            defaultValue = "",
            description = "Termination message of that container; empty matches any.")
    private String initContainerMessage;

    @Option(
            names = "--repair-init-container-exit-code",
            paramLabel = "N",
            defaultValue = "" + RepairSettings.VALIDATION_FAILED,
            description = "Exit code of that container; 0 matches any. Default: ${DEFAULT-VALUE}.")
    private int initContainerExitCode;

    @Option(
            names = "--repair-label-selectors",
            paramLabel = "SELECTOR",
            defaultValue = "",
            description = "Label selector: only repair matching pods.")
    private String labelSelectors;

    @Option(
            names = "--repair-field-selectors",
            paramLabel = "SELECTOR",
            defaultValue = "",
            description = "Field selector: only repair matching pods.")
    private String fieldSelectors;

    @Option(
            names = "--repair-per-minute",
            paramLabel = "N",
            defaultValue = "30",
            description = "Maximum number of pods deleted or labelled per minute. Default: ${DEFAULT-VALUE}.")
    private int perMinute;

    @Option(
            names = "--drift-interval-seconds",
            paramLabel = "N",
            defaultValue = "300",
            description = "Period over which the rules of all pods are checked once for drift; 0 disables it. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int driftIntervalSeconds;

    @Option(
            names = "--drift-repair",
            arity = "0..1",
            paramLabel = "BOOL",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Restore changed rules, instead of only reporting drift.")
    private boolean driftRepair;

    /** For picocli, which fills it. */
    public RepairOptions() {}

    public boolean enabled() {
        return enabled;
    }

    /**
     * The settings that the options give.
     *
     * @throws DaemonException if one cannot be understood
     */
    public RepairSettings settings() {
        return new RepairSettings(
                mode(),
                evict,
                labelKey,
                labelValue,
                new RepairSettings.CrashSign(initContainerName, initContainerExitCode, initContainerMessage),
                PodSelection.parse(sidecarAnnotation, labelSelectors, fieldSelectors),
                Duration.ofSeconds(driftIntervalSeconds),
                driftRepair,
                perMinute);
    }

    /** Of several modes the gentlest counts, as in Istio. */
    private RepairSettings.Mode mode() {
        boolean repair = repairPods == null ? !deletePods && !labelPods : repairPods;
        if (repair) {
            return RepairSettings.Mode.REPAIR;
        }
        if (deletePods) {
            return RepairSettings.Mode.DELETE;
        }
        return labelPods ? RepairSettings.Mode.LABEL : RepairSettings.Mode.REPORT;
    }
}
