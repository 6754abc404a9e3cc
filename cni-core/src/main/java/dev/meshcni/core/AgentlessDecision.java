// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import java.lang.System.Logger.Level;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/**
 * A decision of the plugin while no agent answered. The plugin has no log, so it leaves a line in a file of the agent's
 * run directory, and the agent takes it into its own.
 *
 * <p>A line has time, command, pod, outcome and reason, with tabs between them. Pod and reason hold what others wrote,
 * so whatever could end a line, or change how one is shown, is replaced; in reading as well as in writing.
 *
 * @param time when, as {@link Instant#toString} writes it
 * @param command the CNI command
 * @param pod {@code namespace/name} of the pod; empty if the runtime names none
 * @param outcome what became of the call
 * @param reason why
 */
public record AgentlessDecision(String time, String command, String pod, Answer.Outcome outcome, String reason) {
    /** The file's name. The agent renames it when it takes it, to names that begin like this one. */
    public static final String FILE_NAME = "plugin.log";

    /** The size limit of the file, in bytes; later decisions are not recorded, because the first ones matter most. */
    public static final int LONGEST_FILE = 256 * 1024;

    private static final int SEVERITY_OF_DEBUG = 0;
    private static final int SEVERITY_OF_INFO = 1;
    private static final int SEVERITY_OF_WARNING = 2;
    private static final int FIELDS = 5;
    private static final int LONGEST_TIME = 40;
    private static final int LONGEST_WORD = 20;
    private static final int LONGEST_POD = 320;
    private static final int LONGEST_REASON = 600;

    public AgentlessDecision {
        time = plain(time, LONGEST_TIME);
        command = plain(command, LONGEST_WORD);
        pod = plain(pod, LONGEST_POD);
        reason = plain(reason, LONGEST_REASON);
    }

    /** The decision that an answer stands for. */
    public static AgentlessDecision of(Answer answer, String time) {
        return new AgentlessDecision(time, answer.command(), answer.pod(), answer.outcome(), answer.reason());
    }

    /** Reads a line; empty if it is none. */
    public static Optional<AgentlessDecision> parse(String line) {
        String[] fields = line.split("\t", -1);
        if (fields.length != FIELDS) {
            return Optional.empty();
        }
        try {
            String time = Instant.parse(fields[0]).toString();
            return Answer.Outcome.ofLabel(fields[3])
                    .map(outcome -> new AgentlessDecision(time, fields[1], fields[2], outcome, fields[4]));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    /** The line, without an end. */
    public String line() {
        return String.join("\t", time, command, pod, outcome.label(), reason);
    }

    /** The log level: higher for a pod that has to wait than for one that passes; STATUS is called periodically. */
    public Level level() {
        return switch (severity()) {
            case SEVERITY_OF_DEBUG -> Level.DEBUG;
            case SEVERITY_OF_INFO -> Level.INFO;
            default -> Level.WARNING;
        };
    }

    /**
     * Returns whether it is to be logged.
     *
     * @param pluginLogLevel {@code plugin_log_level} of the plugin's configuration: Istio's words for levels; any other
     *     is taken for {@code info}
     */
    public boolean isLoggedAt(String pluginLogLevel) {
        int least = switch (pluginLogLevel) {
            case "debug" -> SEVERITY_OF_DEBUG;
            case "warn" -> SEVERITY_OF_WARNING;
            case "error", "fatal", "none" -> SEVERITY_OF_WARNING + 1;
            default -> SEVERITY_OF_INFO;
        };
        return severity() >= least;
    }

    /** In numbers: the plugin is compiled for machines without the JDK's logger. */
    private int severity() {
        if (command.equals("STATUS")) {
            return SEVERITY_OF_DEBUG;
        }
        return switch (outcome) {
            case RETRY, FAILED -> SEVERITY_OF_WARNING;
            case REDIRECTED, SKIPPED, OK -> SEVERITY_OF_INFO;
        };
    }

    private static String plain(String text, int longest) {
        return OneLine.of(text, longest);
    }
}
