// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.slf4j.LoggerFactory;

/** The log lines of a class, until this is closed; they are kept off the console meanwhile. */
public final class CapturedLog implements AutoCloseable {
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();
    private final Logger logger;

    private CapturedLog(Logger logger) {
        this.logger = logger;
    }

    /** The lines at the level INFO and above. */
    public static CapturedLog of(Class<?> source) {
        return of(source, Level.INFO);
    }

    /** The lines at the level DEBUG and above. */
    public static CapturedLog inDetail(Class<?> source) {
        return of(source, Level.DEBUG);
    }

    private static CapturedLog of(Class<?> source, Level level) {
        CapturedLog log = new CapturedLog((Logger) LoggerFactory.getLogger(source));
        log.appender.start();
        log.logger.setLevel(level);
        log.logger.setAdditive(false);
        log.logger.addAppender(log.appender);
        return log;
    }

    /** Each line as {@code LEVEL message}. */
    public List<String> lines() {
        return List.copyOf(appender.list).stream()
                .map(event -> event.getLevel() + " " + event.getFormattedMessage())
                .toList();
    }

    /** The fields of each line. */
    public List<Map<String, Object>> keyValues() {
        return List.copyOf(appender.list).stream()
                .map(event -> event.getKeyValuePairs().stream()
                        .collect(Collectors.toMap(field -> field.key, field -> field.value)))
                .toList();
    }

    @Override
    public void close() {
        logger.detachAppender(appender);
        logger.setAdditive(true);
        logger.setLevel(null);
    }
}
