// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.meshcni.api.exec.AttachmentParameters;
import dev.meshcni.api.exec.PluginChain;
import dev.meshcni.testkit.NeedsRoot;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The chain, the results and the versions with the reference plugins, in network namespaces made for each test. */
@NeedsRoot("makes network namespaces")
class ReferencePluginsTest {
    @TempDir
    private Path state;

    private ReferenceHost host;
    private PluginChain chain;

    @BeforeEach
    void makeHost() throws Exception {
        host = ReferenceHost.create(state);
        chain = host.chain();
    }

    @AfterEach
    void removeHost() {
        if (host != null) {
            host.close();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = SpecVersion.class,
            names = {"V1_1_0"},
            mode = EnumSource.Mode.EXCLUDE)
    void ptpIsAddedCheckedAndDeletedInEveryVersionThatItKnows(SpecVersion version) throws Exception {
        NetworkConfigList list = ptp(version);
        AttachmentParameters attachment = host.attachment("c1", "eth0");

        CniResult result = chain.add(list, attachment);
        assertThat(result.ips().getFirst().address()).hasToString("10.231.1.2/24");
        assertThat(result.toJson(version).get("cniVersion").textValue()).isEqualTo(version.text());
        if (version.atLeast(SpecVersion.V0_3_0)) {
            assertThat(result.interfaceOf(result.ips().getFirst()).orElseThrow().name())
                    .isEqualTo("eth0");
        }
        assertThat(host.inPod("ip", "addr", "show", "dev", "eth0")).contains("10.231.1.2/24");

        if (version.atLeast(SpecVersion.V0_4_0)) {
            chain.check(list, attachment, result);
        }
        chain.del(list, attachment, Optional.of(result));
        chain.del(list, attachment.withoutNetns(), Optional.empty());
        assertThat(host.inPod("ip", "link")).doesNotContain("eth0");
    }

    @Test
    void bridgeAndPortmapShareTheirResults() throws Exception {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"1.0.0","name":"cniapi","plugins":[
                  {"type":"bridge","bridge":"cniapi0","ipam":{"type":"host-local","subnet":"10.231.2.0/24","dataDir":"%s"}},
                  {"type":"portmap","capabilities":{"portMappings":true},"snat":false},
                  {"type":"tuning","sysctl":{"net.core.somaxconn":"99"}}]}
                """.formatted(state));
        AttachmentParameters attachment = host.attachment("c1", "net1")
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
                        host.netns().toString(),
                        "",
                        "",
                        Map.of()));
        assertThat(host.onHost("iptables", "-t", "nat", "-S"))
                .contains("--dport 8080")
                .contains("10.231.2.2:80");

        // With mappings, portmap 1.1.1 also looks for the IPv6 chains of a pod that has no IPv6 address.
        chain.check(list, attachment.withCapabilityArgs(Map.of()), result);
        chain.del(list, attachment, Optional.of(result));
        assertThat(host.onHost("iptables", "-t", "nat", "-S")).doesNotContain("8080");
    }

    @Test
    void loopbackIsBroughtUp() throws Exception {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"0.3.1","name":"cni-loopback","plugins":[{"type":"loopback"}]}
                """);

        chain.add(list, host.attachment("c1", "lo"));

        assertThat(host.inPod("ip", "-o", "link", "show", "dev", "lo")).contains("UP");
    }

    @Test
    void aFailureOfARealPluginKeepsItsCodeAndMessage() {
        CniException error = catchThrowableOfType(
                CniException.class,
                () -> chain.add(ptp(SpecVersion.V1_0_0), AttachmentParameters.of("c1", host.netns() + "x", "eth0")));

        assertThat(error).hasMessageStartingWith("plugin ptp failed (ADD): ").hasMessageContaining(host.netns() + "x");
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
}
