// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.config.DaemonException;
import dev.meshcni.config.EnvironmentDefaults;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The options are Istio's, with its defaults. */
class InstallerOptionsTest {
    @Command
    private static final class Options implements Runnable {
        @Mixin
        private InstallerOptions installer;

        @Mixin
        private PluginOptions plugin;

        @Override
        public void run() {}
    }

    @Test
    void withoutOptionsTheDefaultsAreIstios() {
        InstallerSettings settings = settings(Map.of());

        assertThat(settings.confDir()).isEqualTo(Path.of("/host/etc/cni/net.d"));
        assertThat(settings.binDir()).isEqualTo(Path.of("/host/opt/cni/bin"));
        assertThat(settings.binDirOnHost()).isEqualTo(Path.of("/opt/cni/bin"));
        assertThat(settings.runDirectory()).isEqualTo(Path.of("/var/run/istio-cni"));
        assertThat(settings.conf().chained()).isTrue();
        assertThat(settings.conf().confName()).isEmpty();
        assertThat(settings.groupRead()).isFalse();
        assertThat(settings.conf().entry()).hasToString("""
                {"name":"istio-cni","type":"istio-cni","plugin_log_level":"info",\
                "cni_agent_run_dir":"/var/run/istio-cni","exclude_namespaces":[],"pod_namespace":"",\
                "native_nftables":false}""");
    }

    @Test
    void theEnvironmentHasIstiosNames() {
        InstallerSettings settings = settings(Map.of(
                "MOUNTED_CNI_NET_DIR", "/net",
                "CNI_CONF_NAME", "istio-cni.conf",
                "CHAINED_CNI_PLUGIN", "false",
                "CNI_AGENT_RUN_DIR", "/run/agent",
                "EXCLUDE_NAMESPACES", "istio-system,kube-system",
                "POD_NAMESPACE", "istio-system",
                "CNI_CONF_GROUP_READ", "true"));

        assertThat(settings.confDir()).isEqualTo(Path.of("/net"));
        assertThat(settings.conf().confName()).isEqualTo("istio-cni.conf");
        assertThat(settings.conf().chained()).isFalse();
        assertThat(settings.groupRead()).isTrue();
        assertThat(settings.conf().entry()).hasToString("""
                {"name":"istio-cni","type":"istio-cni","plugin_log_level":"info",\
                "cni_agent_run_dir":"/run/agent","exclude_namespaces":["istio-system","kube-system"],\
                "pod_namespace":"istio-system","native_nftables":false}""");
    }

    @Test
    void anUnchainedPluginHasIstiosFileName() {
        assertThat(settings(Map.of(), "--chained-cni-plugin=false").conf().confName())
                .isEqualTo("YYY-istio-cni.conf");
    }

    @Test
    void aCopyOfTheBaseCnisFileHasIstiosName() {
        assertThat(settings(Map.of()).conf().ownedName()).isEmpty();
        assertThat(settings(Map.of("ISTIO_OWNED_CNI_CONFIG", "true")).conf().ownedName())
                .isEqualTo("02-istio-cni.conflist");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ISTIO_OWNED_CNI_CONFIG_FILENAME", "ISTIO_OWNED_CNI_CONF_FILENAME"})
    void theNameOfTheCopyIsReadAsIstiosAgentAndAsIstiosChartSpellIt(String variable) {
        assertThat(settings(Map.of("ISTIO_OWNED_CNI_CONFIG", "true", variable, "01-mesh.conflist"))
                        .conf()
                        .ownedName())
                .isEqualTo("01-mesh.conflist");
    }

    @ParameterizedTest
    @ValueSource(strings = {"mesh.conf", "a/b.conflist"})
    void aCopyIsAListInTheSameDirectory(String name) {
        assertThatThrownBy(() ->
                        settings(Map.of(), "--istio-owned-cni-config", "--istio-owned-cni-config-filename=" + name))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining(name + ", but must be a file name that ends in .conflist");
    }

    @Test
    void aPluginThatIsNotChainedHasNoCopy() {
        assertThatThrownBy(() -> settings(Map.of(), "--istio-owned-cni-config", "--chained-cni-plugin=false"))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("--istio-owned-cni-config needs a chained plugin");
    }

    @Test
    void theHostsPathCanBeSaid() {
        assertThat(settings(Map.of(), "--cni-bin-dir-on-host=/home/kubernetes/bin")
                        .binDirOnHost())
                .isEqualTo(Path.of("/home/kubernetes/bin"));
    }

    @Test
    void relativePathsAreMadeAbsoluteBeforeTheyAreWritten() {
        InstallerSettings settings = settings(
                Map.of(),
                "--mounted-cni-net-dir=net.d",
                "--cni-bin-target-dir=../bin",
                "--cni-agent-run-dir=run",
                "--plugin-source-dir=dist");
        Path here = Path.of("").toAbsolutePath();

        assertThat(settings.confDir()).isEqualTo(here.resolve("net.d"));
        assertThat(settings.binDir())
                .isEqualTo(settings.binDirOnHost())
                .isEqualTo(here.getParent().resolve("bin"));
        assertThat(settings.sourceDir()).isEqualTo(here.resolve("dist"));
        assertThat(settings.runDirectory()).isEqualTo(here.resolve("run"));
        assertThat(settings.conf().entry().path("cni_agent_run_dir").asText())
                .isEqualTo(here.resolve("run").toString());
    }

    @Test
    void aRunDirectoryThatLeavesNoRoomForTheSocketIsAnErrorOfItsOwn() {
        String fits = "/" + "a".repeat(86);

        assertThat(settings(Map.of(), "--cni-agent-run-dir=" + fits).runDirectory())
                .hasToString(fits);
        assertThatThrownBy(() -> settings(Map.of(), "--cni-agent-run-dir=" + fits + "a"))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("is 88 bytes long, and at most 87 leave room for the agent's socket");
        assertThatThrownBy(() -> settings(Map.of(), "--cni-agent-run-dir=/" + "\u00fc".repeat(44)))
                .hasMessageContaining("is 89 bytes long");
    }

    private static InstallerSettings settings(Map<String, String> environment, String... arguments) {
        Options options = new Options();
        new CommandLine(options)
                .setDefaultValueProvider(new EnvironmentDefaults(environment))
                .parseArgs(arguments);
        return options.installer.settings(options.plugin);
    }
}
