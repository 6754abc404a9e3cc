// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.meshcni.config.EnvironmentDefaults;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What is wrong with flags or variables of the daemon is said in one line, before it makes anything. */
class DaemonOptionsTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --log-level=loud             | invalid value for option '--log-level': is 'loud', but must be a level, debug, info
            --log_output_level=all:loud  | is 'all:loud', but must be a level
            --log-format=xml             | invalid value for option '--log-format': expected one of [TEXT, JSON] but was 'xml'
            --pod-manifest-dir=DIR/none  | none' does not exist
            --pod-manifest-dir=DIR/file  | file' is a file
            --exclude-namespaces=a,B     | 'B' is not the name of a namespace
            --plugin-log-level=loud      | expected one of [debug, info, warn, error, fatal, none] but was 'loud'
            --drift-repair=yes           | invalid value for option '--drift-repair': expected true or false
            --health-port=http           | invalid value for option '--health-port': 'http' is not a whole number
            --helth-port=1               | unknown option '--helth-port', did you mean '--health-port'?
            --host-probe-snat-ip=web     | variable HOST_PROBE_SNAT_IP
            --ambient-enablement-selector=[{pods: {}}] | "pods" is unknown here; possible are podSelector, namespaceSelector
            now                          | unknown argument 'now'
            """)
    void aBadFlagIsNamedInOneLine(String argument, String text) throws IOException {
        Files.writeString(directory.resolve("file"), "");

        assertThat(mistake(Map.of(), argument.replace("DIR", directory.toString())))
                .startsWith("install-cni: ")
                .contains(text);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            LOG_LEVEL               | loud    | invalid value for environment variable LOG_LEVEL: is 'loud', but must be
            LOG_OUTPUT_LEVEL        | loud    | invalid value for environment variable LOG_OUTPUT_LEVEL: is 'loud'
            EXCLUDE_NAMESPACES      | a,b_c   | invalid value for environment variable EXCLUDE_NAMESPACES: 'b_c' is not
            POD_MANIFEST_DIR        | /none/a | invalid value for environment variable POD_MANIFEST_DIR: directory
            CHAINED_CNI_PLUGIN      | maybe   | invalid value for environment variable CHAINED_CNI_PLUGIN: expected true
            NO_INSTALL              | maybe   | invalid value for environment variable NO_INSTALL: expected true or false
            POD_WAIT_SECONDS        | soon    | invalid value for environment variable POD_WAIT_SECONDS: 'soon' is not a
            """)
    void aBadVariableIsNamed(String variable, String value, String text) {
        assertThat(mistake(Map.of(variable, value))).contains(text);
    }

    @Test
    void aFlagThatIsBadIsNotBlamedOnTheVariable() {
        assertThat(mistake(Map.of("POD_WAIT_SECONDS", "5"), "--pod-wait-seconds=soon"))
                .contains("for option '--pod-wait-seconds'");
    }

    @ParameterizedTest
    @CsvSource({"1 t T TRUE true True,true", "0 f F FALSE false False,false"})
    void truthIsReadAsInGo(String texts, boolean truth) {
        for (String text : texts.split(" ", -1)) {
            for (String option : List.of("--no-install", "--drift-repair", "--repair-repair-pods")) {
                CommandLine daemon = new InstallCni().commandLine(Map.of(EnvironmentDefaults.variable(option), text));

                daemon.parseArgs();

                boolean value = daemon.getCommandSpec().findOption(option).getValue();
                assertThat(value).as(option + " " + text).isEqualTo(truth);
            }
        }
    }

    @Test
    void istiosFlagOfTheLogLevelIsTaken() {
        CommandLine daemon = new InstallCni().commandLine(Map.of("LOG_LEVEL", "warn"));

        daemon.parseArgs("--log_output_level=default:info,cni-agent:debug");

        assertThat(daemon.getCommandSpec().findOption("--log-level").stringValues())
                .containsExactly("default:info,cni-agent:debug");
        assertThatCode(() -> daemon.parseArgs("--log-level", "all:error")).doesNotThrowAnyException();
    }

    private static String mistake(Map<String, String> environment, String... arguments) {
        StringWriter err = new StringWriter();
        CommandLine daemon = new InstallCni().commandLine(environment);
        daemon.setErr(new PrintWriter(err, true));

        int exitCode = daemon.execute(arguments);

        assertThat(err.toString().lines()).hasSizeLessThanOrEqualTo(2);
        assertThat(exitCode).as(err.toString()).isIn(1, 2);
        return err.toString();
    }
}
