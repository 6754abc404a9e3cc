// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import dev.meshcni.config.LogLevels;
import org.slf4j.LoggerFactory;

/** Sets logging up: one line per event on standard error, as text or as JSON. */
public final class LogSetup {
    private static final String TEXT = "%d{\"yyyy-MM-dd'T'HH:mm:ss.SSSXXX\", UTC} %-5level %kvp{NONE} %msg%n%rEx{5}";

    /** The form of a log line. */
    public enum Format {
        TEXT,
        JSON
    }

    private LogSetup() {}

    /**
     * Sets logging up for the whole process.
     *
     * @param level the least that is logged
     * @param format the form of a line
     */
    public static void configure(LogLevels.Level level, Format format) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
        appender.setContext(context);
        appender.setTarget("System.err");
        appender.setEncoder(encoder(context, format));
        appender.start();
        Logger rootLogger = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        rootLogger.setLevel(atMost(Level.WARN, level));
        rootLogger.addAppender(appender);
        // What it warns of with a stack trace is logged here in one line that says what to do.
        context.getLogger("io.fabric8").setLevel(atMost(Level.ERROR, level));
        context.getLogger("dev.meshcni").setLevel(logback(level));
    }

    /** The level of other people's loggers, which log no more than ours. */
    private static Level atMost(Level usual, LogLevels.Level level) {
        Level ours = logback(level);
        return ours.isGreaterOrEqual(usual) ? ours : usual;
    }

    private static Level logback(LogLevels.Level level) {
        return switch (level) {
            case DEBUG -> Level.DEBUG;
            case INFO -> Level.INFO;
            case WARN -> Level.WARN;
            case ERROR, FATAL -> Level.ERROR;
            case NONE -> Level.OFF;
        };
    }

    static Encoder<ILoggingEvent> encoder(LoggerContext context, Format format) {
        Encoder<ILoggingEvent> form = switch (format) {
            case TEXT -> {
                PatternLayoutEncoder encoder = new PatternLayoutEncoder();
                encoder.setContext(context);
                encoder.setPattern(TEXT);
                yield encoder;
            }
            case JSON -> {
                JsonEncoder encoder = new JsonEncoder();
                encoder.setContext(context);
                encoder.setWithFormattedMessage(true);
                encoder.setWithMessage(false);
                encoder.setWithContext(false);
                yield encoder;
            }
        };
        Encoder<ILoggingEvent> encoder = new PlainEncoder(form);
        encoder.setContext(context);
        encoder.start();
        return encoder;
    }
}
