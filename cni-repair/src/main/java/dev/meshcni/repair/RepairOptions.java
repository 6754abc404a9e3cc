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
            fallbackValue = "true",
            defaultValue = "true",
            description = "Look for pods that run without their redirection. Default: ${DEFAULT-VALUE}.")
    private boolean enabled;

    @Option(
            names = "--repair-repair-pods",
            arity = "0..1",
            fallbackValue = "true",
            description =
                    "Set up their redirection while they run. Default: true, unless they are deleted or labelled.")
    private Boolean repairPods;

    @Option(
            names = "--repair-delete-pods",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Delete them, so that their controllers make new ones.")
    private boolean deletePods;

    @Option(
            names = "--repair-evict",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "true",
            description = "Delete by eviction, which respects disruption budgets. Default: ${DEFAULT-VALUE}.")
    private boolean evict;

    @Option(
            names = "--repair-label-pods",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Label them, for others to deal with.")
    private boolean labelPods;

    @Option(
            names = {"--repair-label-key", "--repair-broken-pod-label-key"},
            paramLabel = "KEY",
            defaultValue = RepairSettings.LABEL_KEY,
            description = "The key of that label. Default: ${DEFAULT-VALUE}.")
    private String labelKey;

    @Option(
            names = {"--repair-label-value", "--repair-broken-pod-label-value"},
            paramLabel = "VALUE",
            defaultValue = RepairSettings.LABEL_VALUE,
            description = "The value of that label. Default: ${DEFAULT-VALUE}.")
    private String labelValue;

    @Option(
            names = "--repair-sidecar-annotation",
            paramLabel = "KEY",
            defaultValue = RedirectPolicy.STATUS,
            description = "Only pods with this annotation are meant. Default: ${DEFAULT-VALUE}.")
    private String sidecarAnnotation;

    @Option(
            names = "--repair-init-container-name",
            paramLabel = "NAME",
            defaultValue = RepairSettings.VALIDATION,
            description = "The init container that fails without redirection. Default: ${DEFAULT-VALUE}.")
    private String initContainerName;

    @Option(
            names = "--repair-init-container-termination-message",
            paramLabel = "TEXT",
            defaultValue = "",
            description = "Its termination message then; empty for any.")
    private String initContainerMessage;

    @Option(
            names = "--repair-init-container-exit-code",
            paramLabel = "N",
            defaultValue = "" + RepairSettings.VALIDATION_FAILED,
            description = "Its exit code then; 0 for any. Default: ${DEFAULT-VALUE}.")
    private int initContainerExitCode;

    @Option(
            names = "--repair-label-selectors",
            paramLabel = "SELECTOR",
            defaultValue = "",
            description = "Only pods with these labels are meant.")
    private String labelSelectors;

    @Option(
            names = "--repair-field-selectors",
            paramLabel = "SELECTOR",
            defaultValue = "",
            description = "Only pods with these fields are meant.")
    private String fieldSelectors;

    @Option(
            names = "--repair-per-minute",
            paramLabel = "N",
            defaultValue = "30",
            description = "The most pods that are deleted or labelled in a minute. Default: ${DEFAULT-VALUE}.")
    private int perMinute;

    @Option(
            names = "--drift-interval-seconds",
            paramLabel = "N",
            defaultValue = "300",
            description =
                    "How long a round takes that compares the rules of all pods; 0 for none. Default: ${DEFAULT-VALUE}.")
    private int driftIntervalSeconds;

    @Option(
            names = "--drift-repair",
            arity = "0..1",
            fallbackValue = "true",
            defaultValue = "false",
            description = "Put right what such a round finds changed, instead of reporting it only.")
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
