package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** VERSION, which the plugin answers without its agent. */
class IstioCniTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"cniVersion\": \"0.4.0\"} | 0.4.0",
                "{\"cniVersion\": \"7.0.0\"} | 1.1.0",
                "{}                        | 1.1.0",
                "''                        | 1.1.0"
            })
    void versionIsAnsweredInTheVersionThatItIsAskedIn(String input, String answered) throws IOException {
        assertThat(version(new ByteArrayInputStream(input.getBytes(UTF_8))))
                .startsWith("{\"cniVersion\":\"" + answered + "\",\"supportedVersions\":[\"0.1.0\",");
    }

    @Test
    void versionWaitsForNoInputThatDoesNotCome() throws IOException {
        try (PipedOutputStream silent = new PipedOutputStream();
                PipedInputStream stdin = new PipedInputStream(silent)) {
            assertThat(version(stdin)).startsWith("{\"cniVersion\":\"1.1.0\"");
        }
    }

    private static String version(InputStream stdin) throws IOException {
        return new String(
                IstioCni.answer(Map.of("CNI_COMMAND", "VERSION"), stdin).stdout(), UTF_8);
    }
}
