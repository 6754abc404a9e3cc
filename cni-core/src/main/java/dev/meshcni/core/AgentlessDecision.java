package dev.meshcni.core;

import java.lang.System.Logger.Level;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/**
 * What the plugin decided while no agent answered. The plugin has no log, so it leaves a line in a file of the agent's run
 * directory, and the agent takes it into its own.
 *
 * <p>A line has time, command, pod, outcome and reason, with tabs between them. Pod and reason hold what others wrote, so
 * whatever could end a line, or change how one is shown, is replaced; in reading as well as in writing.
 *
 * @param time when
 * @param command the CNI command
 * @param pod {@code namespace/name} of the pod; empty if the runtime names none
 * @param outcome what became of the call
 * @param reason why
 */
public record AgentlessDecision(Instant time, String command, String pod, Answer.Outcome outcome, String reason) {
    /** The file's name. The agent renames it when it takes it, to names that begin like this one. */
    public static final String FILE_NAME = "plugin.log";

    /** When the file is as long as this, in bytes, nothing more is written: what came first tells most. */
    public static final int LONGEST_FILE = 256 * 1024;

    private static final int FIELDS = 5;
    private static final int LONGEST_WORD = 20;
    private static final int LONGEST_POD = 320;
    private static final int LONGEST_REASON = 600;

    public AgentlessDecision {
        command = plain(command, LONGEST_WORD);
        pod = plain(pod, LONGEST_POD);
        reason = plain(reason, LONGEST_REASON);
    }

    /** The decision that an answer stands for. */
    public static AgentlessDecision of(Answer answer, Instant time) {
        return new AgentlessDecision(time, answer.command(), answer.pod(), answer.outcome(), answer.reason());
    }

    /** Reads a line; empty if it is none. */
    public static Optional<AgentlessDecision> parse(String line) {
        String[] fields = line.split("\t", -1);
        if (fields.length != FIELDS) {
            return Optional.empty();
        }
        try {
            Instant time = Instant.parse(fields[0]);
            return Answer.Outcome.ofLabel(fields[3])
                    .map(outcome -> new AgentlessDecision(time, fields[1], fields[2], outcome, fields[4]));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    /** The line, without an end. */
    public String line() {
        return String.join("\t", time.toString(), command, pod, outcome.label(), reason);
    }

    /** How much it matters: a pod that has to wait, more than one that passes; STATUS is asked all the time. */
    public Level level() {
        if (command.equals("STATUS")) {
            return Level.DEBUG;
        }
        return switch (outcome) {
            case RETRY, FAILED -> Level.WARNING;
            case REDIRECTED, SKIPPED, OK -> Level.INFO;
        };
    }

    /**
     * Whether it is to be logged.
     *
     * @param pluginLogLevel {@code plugin_log_level} of the plugin's configuration: Istio's words for levels; any other is
     *     taken for {@code info}
     */
    public boolean isLoggedAt(String pluginLogLevel) {
        Level least = switch (pluginLogLevel) {
            case "debug" -> Level.DEBUG;
            case "warn" -> Level.WARNING;
            case "error" -> Level.ERROR;
            case "fatal", "none" -> Level.OFF;
            default -> Level.INFO;
        };
        return level().getSeverity() >= least.getSeverity();
    }

    private static String plain(String text, int longest) {
        return OneLine.of(text.codePoints()
                .limit(longest)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString());
    }
}
