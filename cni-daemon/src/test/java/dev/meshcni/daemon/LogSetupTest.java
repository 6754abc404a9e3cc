// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import dev.meshcni.daemon.LogSetup.Format;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;

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
