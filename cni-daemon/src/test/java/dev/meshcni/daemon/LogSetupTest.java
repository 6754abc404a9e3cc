// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import dev.meshcni.config.LogLevels;
import dev.meshcni.daemon.LogSetup.Format;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

class LogSetupTest {
    /**
     * An end of a line, orders to a terminal in one and in two bytes, a turn of the writing, the half of a character.
     */
    private static final String HOSTILE = "a\nb\r\u001b[2J\u009b2J\u202e\u2028\u0007\ud800\u0000z";

    private static final String PLAIN = "a?b??[2J?2J?????z";

    @ParameterizedTest
    @EnumSource
    void noTextOfOthersEndsALineOrSteersATerminal(Format format) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        RuntimeException failure =
                new RuntimeException("cause " + HOSTILE, new IllegalStateException("root " + HOSTILE));
        failure.addSuppressed(new IllegalArgumentException("suppressed " + HOSTILE));
        LoggingEvent event = new LoggingEvent(
                "logger", context.getLogger("dev.meshcni"), Level.WARN, "said {}", failure, new Object[] {HOSTILE});
        event.setKeyValuePairs(List.of(new KeyValuePair("pod", HOSTILE), new KeyValuePair("ms", 1.5)));

        String line = new String(LogSetup.encoder(context, format).encode(event), UTF_8);

        assertThat(line)
                .contains("said " + PLAIN, "cause " + PLAIN, "root " + PLAIN)
                .doesNotContain("\\u009b", "\\u001b", "\\n");
        assertThat(line.replace("\n", "").replace("\t", "").chars().filter(c -> !isShownAsItself(c)))
                .isEmpty();
        assertThat(line.lines().filter(text -> text.startsWith("b"))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "debug, DEBUG, WARN",
        "all:warn, WARN, WARN",
        "'default:info,cni-agent:error', ERROR, ERROR",
        "fatal, ERROR, ERROR",
        "none, OFF, OFF"
    })
    void levelsAreThoseOfIstio(String option, String ours, String others) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        try {
            LogSetup.configure(
                    CommandLine.populateCommand(new DaemonOptions(), "--log-level", option, "--log-format", "TEXT")
                            .logLevel(),
                    Format.TEXT);

            assertThat(context.getLogger("dev.meshcni").getLevel()).hasToString(ours);
            assertThat(context.getLogger("org.example").getEffectiveLevel()).hasToString(others);
        } finally {
            LogSetup.configure(LogLevels.Level.INFO, Format.TEXT);
        }
    }

    @Test
    void anUnknownLevelIsAUsageError() {
        assertThatThrownBy(() -> CommandLine.populateCommand(new DaemonOptions(), "--log-level", "cni-agent:loud"))
                .isInstanceOf(ParameterException.class)
                .hasMessageContaining("is 'cni-agent:loud', but must be a level");
    }

    private static boolean isShownAsItself(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> false;
            default -> true;
        };
    }
}
