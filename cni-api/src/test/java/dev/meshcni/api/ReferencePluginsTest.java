// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.api.exec.AttachmentParameters;
import dev.meshcni.api.exec.PluginChain;
import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The chain, the results and the versions with the reference plugins, in network namespaces made for each test. */
@NeedsRoot("makes network namespaces")
class ReferencePluginsTest {
    private static final Path PLUGINS = Path.of("/usr/lib/cni");
    private static final Map<String, String> TOOLS = Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");

    @TempDir
    private Path state;

    /** What plugins do to "the host" happens in a namespace of its own: the chain's programs are started inside it. */
    private String host;

    private String pod;
    private PluginChain chain;

    @BeforeEach
    void namespaces() throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(PLUGINS.resolve("ptp")), "needs the reference plugins in " + PLUGINS);
        String suffix = ProcessHandle.current().pid() + "-" + System.nanoTime() % 1_000_000;
        host = "cniapi-h" + suffix;
        pod = "cniapi-p" + suffix;
        run("ip", "netns", "add", host);
        run("ip", "netns", "add", pod);
        chain = new PluginChain(List.of(wrappers()), TOOLS, Duration.ofSeconds(30));
    }

    @AfterEach
    void removeNamespaces() throws IOException, InterruptedException {
        if (host != null) {
            run("ip", "netns", "del", pod);
            run("ip", "netns", "del", host);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = SpecVersion.class,
            names = {"V1_1_0"},
            mode = EnumSource.Mode.EXCLUDE)
    void ptpIsAddedCheckedAndDeletedInEveryVersionThatItKnows(SpecVersion version) throws Exception {
        NetworkConfigList list = ptp(version);
        AttachmentParameters attachment = AttachmentParameters.of("c1", "/run/netns/" + pod, "eth0");

        CniResult result = chain.add(list, attachment);
        assertThat(result.ips().getFirst().address()).hasToString("10.231.1.2/24");
        assertThat(result.toJson(version).get("cniVersion").textValue()).isEqualTo(version.text());
        if (version.atLeast(SpecVersion.V0_3_0)) {
            assertThat(result.interfaceOf(result.ips().getFirst()).orElseThrow().name())
                    .isEqualTo("eth0");
        }
        assertThat(run("ip", "-n", pod, "addr", "show", "dev", "eth0")).contains("10.231.1.2/24");

        if (version.atLeast(SpecVersion.V0_4_0)) {
            chain.check(list, attachment, result);
        }
        chain.del(list, attachment, Optional.of(result));
        chain.del(list, attachment.withoutNetns(), Optional.empty());
        assertThat(run("ip", "-n", pod, "link")).doesNotContain("eth0");
    }

    @Test
    void bridgeAndPortmapShareTheirResults() throws Exception {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"1.0.0","name":"cniapi","plugins":[
                  {"type":"bridge","bridge":"cniapi0","ipam":{"type":"host-local","subnet":"10.231.2.0/24","dataDir":"%s"}},
                  {"type":"portmap","capabilities":{"portMappings":true},"snat":false},
                  {"type":"tuning","sysctl":{"net.core.somaxconn":"99"}}]}
                """.formatted(state));
        AttachmentParameters attachment = AttachmentParameters.of("c1", "/run/netns/" + pod, "net1")
                .withCapabilityArgs(Map.of(
                        "portMappings",
                        CniJson.lenientObject("{\"p\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\"}]}")
                                .get("p")));

        CniResult result = chain.add(list, attachment);
        assertThat(result.interfaces()).hasSize(3);
        assertThat(result.interfaces().getLast())
                .isEqualTo(new CniResult.Interface(
                        "net1",
                        result.interfaces().getLast().mac(),
                        OptionalLong.empty(),
                        "/run/netns/" + pod,
                        "",
                        "",
                        Map.of()));
        assertThat(run("ip", "netns", "exec", host, "iptables", "-t", "nat", "-S"))
                .contains("--dport 8080")
                .contains("10.231.2.2:80");

        // With mappings, portmap 1.1.1 also looks for the IPv6 chains of a pod that has no IPv6 address.
        chain.check(list, attachment.withCapabilityArgs(Map.of()), result);
        chain.del(list, attachment, Optional.of(result));
        assertThat(run("ip", "netns", "exec", host, "iptables", "-t", "nat", "-S"))
                .doesNotContain("8080");
    }

    /** The other direction: a reference plugin delegates to one that is written on {@link CniPlugin}. */
    @Test
    void ptpTakesItsAddressFromAnIpamPluginInJava() throws Exception {
        Path ipam = state.resolve("bin/java-ipam");
        Files.writeString(
                ipam,
                "#!/bin/sh\nexec " + PageCode.program("java") + " -cp '" + PageCode.classes() + "' "
                        + SingleAddress.class.getName() + " " + state.resolve("taken") + "\n");
        assertThat(ipam.toFile().setExecutable(true)).isTrue();
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"1.0.0","name":"cniapi","plugins":[{"type":"ptp","ipam":{"type":"java-ipam"}}]}
                """);
        AttachmentParameters attachment = AttachmentParameters.of("c1", "/run/netns/" + pod, "eth0");

        CniResult result = chain.add(list, attachment);
        assertThat(run("ip", "-n", pod, "addr", "show", "dev", "eth0")).contains("10.231.9.2/24");
        chain.check(list, attachment, result);

        CniException second = catchThrowableOfType(
                CniException.class, () -> chain.add(list, AttachmentParameters.of("c2", "/run/netns/" + pod, "eth1")));
        assertThat(second).hasMessageContaining("10.231.9.2 is taken");
        assertThat(second.code()).isEqualTo(ErrorCode.TRY_AGAIN_LATER);

        chain.del(list, attachment, Optional.of(result));
        assertThat(state.resolve("taken")).doesNotExist();
    }

    @Test
    void loopbackIsBroughtUp() throws Exception {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"0.3.1","name":"cni-loopback","plugins":[{"type":"loopback"}]}
                """);

        chain.add(list, AttachmentParameters.of("c1", "/run/netns/" + pod, "lo"));

        assertThat(run("ip", "-n", pod, "-o", "link", "show", "dev", "lo")).contains("UP");
    }

    @Test
    void aFailureOfARealPluginKeepsItsCodeAndMessage() {
        CniException error = catchThrowableOfType(
                CniException.class,
                () -> chain.add(
                        ptp(SpecVersion.V1_0_0), AttachmentParameters.of("c1", "/run/netns/" + pod + "x", "eth0")));

        assertThat(error).hasMessageStartingWith("plugin ptp failed (ADD): ").hasMessageContaining(pod + "x");
    }

    @Test
    void versionsAreAskedFor() {
        assertThat(chain.version(ptp(SpecVersion.V1_0_0)).get("ptp").supports(SpecVersion.V1_0_0))
                .isTrue();
    }

    private NetworkConfigList ptp(SpecVersion version) {
        return NetworkConfigList.parse("""
                {"cniVersion":"%s","name":"cniapi","plugins":[{"type":"ptp","ipam":
                  {"type":"host-local","subnet":"10.231.1.0/24","routes":[{"dst":"0.0.0.0/0"}],"dataDir":"%s"}}]}
                """.formatted(version, state));
    }

    /** Scripts with the names of the plugins, which enter the namespace that stands for the host. */
    private Path wrappers() throws IOException {
        Path bin = Files.createDirectory(state.resolve("bin"));
        for (String plugin : List.of("ptp", "bridge", "portmap", "tuning", "loopback", "host-local")) {
            Path script = bin.resolve(plugin);
            Files.writeString(script, "#!/bin/sh\nexec ip netns exec " + host + " " + PLUGINS.resolve(plugin) + "\n");
            assertThat(script.toFile().setExecutable(true)).isTrue();
        }
        return bin;
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue())
                .as("%s: %s", Arrays.toString(command), output)
                .isZero();
        return output;
    }
}
