// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.repair;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.config.EnvironmentDefaults;
import dev.meshcni.kubernetes.KubernetesOptions;
import dev.meshcni.repair.RepairSettings.Mode;
import dev.meshcni.testkit.TestPods;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class RepairOptionsTest {
    @Command
    static final class Options {
        @Mixin
        private RepairOptions repair;

        @Mixin
        private KubernetesOptions kubernetes;
    }

    @ParameterizedTest
    @CsvSource({
        "'', REPAIR",
        "--repair-delete-pods, DELETE",
        "--repair-label-pods, LABEL",
        "--repair-delete-pods --repair-label-pods, DELETE",
        "--repair-repair-pods --repair-delete-pods, REPAIR",
        "--repair-repair-pods=false, REPORT",
        "--repair-repair-pods=false --repair-delete-pods=true, DELETE"
    })
    void theModeIsTheGentlestThatIsAskedFor(String arguments, Mode mode) {
        assertThat(parse(Map.of(), arguments.isEmpty() ? new String[0] : arguments.split(" ", -1))
                        .repair
                        .settings()
                        .mode())
                .isEqualTo(mode);
    }

    @Test
    void theDefaultsAreIstios() {
        RepairOptions options = parse(Map.of()).repair;
        RepairSettings settings = options.settings();

        assertThat(options.enabled()).isTrue();
        assertThat(settings.evict()).isTrue();
        assertThat(settings.labelKey()).isEqualTo("cni.istio.io/uninitialized");
        assertThat(settings.labelValue()).isEqualTo("true");
        assertThat(settings.crash()).isEqualTo(new RepairSettings.CrashSign("istio-validation", 126, ""));
        assertThat(settings.driftInterval()).isEqualTo(Duration.ofMinutes(5));
        assertThat(settings.driftRepair()).isFalse();
        assertThat(settings.selection().test(TestPods.injected("web"))).isTrue();
    }

    @Test
    void theLabelMayHaveTheNamesOfNewerReleasesOfIstio() {
        RepairSettings settings = parse(
                        Map.of("REPAIR_BROKEN_POD_LABEL_KEY", "example.com/broken"),
                        "--repair-broken-pod-label-value=yes")
                .repair
                .settings();

        assertThat(settings.labelKey()).isEqualTo("example.com/broken");
        assertThat(settings.labelValue()).isEqualTo("yes");
    }

    @Test
    void environmentVariablesCount() {
        Options options = parse(Map.of("REPAIR_ENABLED", "false", "REPAIR_DELETE_PODS", "true", "NODE_NAME", "node-a"));

        assertThat(options.repair.enabled()).isFalse();
        assertThat(options.repair.settings().mode()).isEqualTo(Mode.DELETE);
        assertThat(options.kubernetes.settings().nodeName()).isEqualTo("node-a");
    }

    @Test
    void istiosNameForTheNodeGoesFirst() {
        Options options = parse(Map.of("NODE_NAME", "other", "REPAIR_NODE_NAME", "node-a"));

        assertThat(options.kubernetes.settings().nodeName()).isEqualTo("node-a");
    }

    private static Options parse(Map<String, String> environment, String... arguments) {
        Options options = new Options();
        new CommandLine(options)
                .setDefaultValueProvider(new EnvironmentDefaults(environment))
                .parseArgs(arguments);
        return options;
    }
}
