// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.testkit.CapturedLog;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;

/** The flags that a DaemonSet of Istio's gives, which a manifest applied over it may keep. */
class IstioFlagsTest {
    @Command(name = "a-daemon")
    private static final class ADaemon {
        @Mixin
        private IstioFlags istio;
    }

    @Test
    void theDaemonTakesTheFlagsOfIstiosDaemonSet() {
        InstallCni.commandLine()
                .parseArgs("--log_output_level=default:info,cni:debug", "--log_as_json", "--ctrlz_port", "9876");
    }

    @Test
    void thoseThatWereGivenAreNamedInOneWarning() {
        ADaemon daemon = new ADaemon();
        new CommandLine(daemon).parseArgs("--skip-cni-binaries=x", "--log_as_json");
        try (CapturedLog log = CapturedLog.of(IstioFlags.class)) {
            daemon.istio.warn();

            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .startsWith("WARN ignored")
                    .contains("--skip-cni-binaries=x --log_as_json", "--log-level");
        }
    }

    @Test
    void nothingIsSaidWithoutThem() {
        ADaemon daemon = new ADaemon();
        new CommandLine(daemon).parseArgs();
        try (CapturedLog log = CapturedLog.of(IstioFlags.class)) {
            daemon.istio.warn();

            assertThat(log.lines()).isEmpty();
        }
    }

    @Test
    void otherFlagsAreStillUnknown() {
        assertThatThrownBy(() -> InstallCni.commandLine().parseArgs("--ambient-redirect-mode"))
                .isInstanceOf(ParameterException.class);
    }
}
