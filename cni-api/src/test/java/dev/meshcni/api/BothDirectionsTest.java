// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.exec.AttachmentParameters;
import dev.meshcni.testkit.NeedsRoot;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Plugins and a runtime in Java with the reference plugins, in both directions: ours calls theirs, theirs calls ours,
 * and both stand in one chain. Results and errors arrive as the one who made them meant them.
 */
@NeedsRoot("makes network namespaces")
class BothDirectionsTest {
    @TempDir
    private Path state;

    private ReferenceHost host;

    @BeforeEach
    void makeHost() throws Exception {
        host = ReferenceHost.create(state);
        host.install("dummy", DummyInterface.class);
        host.install("java-ipam", SingleAddress.class, state.resolve("taken"));
    }

    @AfterEach
    void removeHost() {
        if (host != null) {
            host.close();
        }
    }

    /** The plugin in Java asks host-local; portmap and tuning build on what the plugin in Java reports. */
    @ParameterizedTest
    @EnumSource(
            value = SpecVersion.class,
            names = {"V0_3_0", "V0_3_1", "V0_4_0", "V1_0_0"})
    void aPluginInJavaIsTheFirstOfAReferenceChain(SpecVersion version) throws Exception {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"%s","name":"both","plugins":[
                  {"type":"dummy","ipam":{"type":"host-local","subnet":"10.231.3.0/24","dataDir":"%s"}},
                  {"type":"portmap","capabilities":{"portMappings":true},"snat":false},
                  {"type":"tuning","mtu":1400}]}
                """.formatted(version, state));
        AttachmentParameters plain = host.attachment("c1", "eth0");
        AttachmentParameters mapped = plain.withCapabilityArgs(Map.of(
                "portMappings",
                CniJson.lenientObject("{\"p\":[{\"hostPort\":8081,\"containerPort\":80,\"protocol\":\"tcp\"}]}")
                        .get("p")));

        CniResult result = host.chain().add(list, mapped);

        assertThat(result.ips().getFirst().address()).hasToString("10.231.3.2/24");
        assertThat(result.interfaceOf(result.ips().getFirst()).orElseThrow().name())
                .isEqualTo("eth0");
        assertThat(host.inPod("ip", "link", "show", "dev", "eth0")).contains("mtu 1400");
        assertThat(host.onHost("iptables", "-t", "nat", "-S")).contains("--dport 8081", "10.231.3.2:80");
        if (version.atLeast(SpecVersion.V0_4_0)) {
            host.chain().check(list, plain, result);
        }
        host.chain().del(list, mapped, Optional.of(result));
        assertThat(state.resolve("both/10.231.3.2")).doesNotExist();
        assertThat(host.onHost("iptables", "-t", "nat", "-S")).doesNotContain("8081");
        assertThat(host.inPod("ip", "link")).doesNotContain("eth0");
    }

    /** The reference plugin delegates to Java, in each version, and gives the error that it gets to its caller. */
    @ParameterizedTest
    @CsvSource({"ptp,0.3.1", "ptp,1.0.0", "bridge,0.2.0", "bridge,0.4.0", "bridge,1.0.0"})
    void aReferencePluginTakesItsAddressFromJava(String type, String version) throws Exception {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"%s","name":"both","plugins":[{"type":"%s","ipam":{"type":"java-ipam"}}]}
                """.formatted(version, type));
        AttachmentParameters attachment = host.attachment("c1", "eth0");

        CniResult result = host.chain().add(list, attachment);
        assertThat(host.inPod("ip", "address", "show", "dev", "eth0")).contains("10.231.9.2/24");

        CniException taken =
                catchThrowableOfType(CniException.class, () -> host.chain().add(list, host.attachment("c2", "eth1")));
        assertThat(taken).hasMessageContaining("10.231.9.2 is taken");
        assertThat(taken.code()).isEqualTo(ErrorCode.TRY_AGAIN_LATER);

        host.chain().del(list, attachment, Optional.of(result));
        assertThat(state.resolve("taken")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ptp", "bridge"})
    void whatAReferencePluginPrintsIsReadAndWrittenWithoutALoss(String type) throws Exception {
        for (SpecVersion version : List.of(
                SpecVersion.V0_2_0, SpecVersion.V0_3_0, SpecVersion.V0_3_1, SpecVersion.V0_4_0, SpecVersion.V1_0_0)) {
            String config = """
                    {"cniVersion":"%s","name":"both","type":"%s","dns":{"nameservers":["10.231.4.1"],"search":["shop"]},
                     "ipam":{"type":"host-local","subnet":"10.231.4.0/24","routes":[{"dst":"0.0.0.0/0"}],"dataDir":"%s"}}
                    """.formatted(version, type, state);
            ReferenceHost.Raw added = host.raw(type, "ADD", "eth0", config);
            assertThat(added.exitCode()).as(added.out()).isZero();
            ObjectNode printed = CniJson.lenientObject(added.out());

            assertThat(withoutEmptyDns(CniResult.parse(printed, version).toJson(version)))
                    .as(version.text())
                    .isEqualTo(withoutEmptyDns(printed));
            assertThat(host.raw(type, "DEL", "eth0", config).exitCode()).isZero();
        }
    }

    /** For libcni an absent {@code dns} and an empty one are the same. */
    private static ObjectNode withoutEmptyDns(ObjectNode result) {
        if (result.path("dns").isEmpty()) {
            result.remove("dns");
        }
        return result;
    }

    /** Code, message and details are those that the plugin itself prints, whoever calls it. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            host-local | {"ipam":{"type":"host-local","subnet":"10.231.5.0/33"}}
            host-local | {"ipam":{"type":"host-local"}}
            host-local | {"ipam":{"type":"static"}}
            portmap    | {"snat":false,"runtimeConfig":{"portMappings":[{"hostPort":1,"containerPort":1,"protocol":"tcp"}]}}
            bridge     | {"bridge":"cniref0","ipam":{"type":"absent"}}
            bridge     | {"bridge":"cniref0","hairpinMode":true,"promiscMode":true}
            ptp        | {"ipam":{}}
            tuning     | {"sysctl":{"no/such":"1"}}
            """)
    void theErrorOfAReferencePluginArrivesAsItIs(String type, String fields) throws Exception {
        ObjectNode config = CniJson.lenientObject(fields);
        config.put("cniVersion", "1.0.0").put("name", "both").put("type", type);
        ReferenceHost.Raw raw = host.raw(type, "ADD", "eth0", CniJson.compact(config));
        assertThat(raw.exitCode()).as(raw.out()).isNotZero();
        ObjectNode printed = CniJson.lenientObject(raw.out());

        CniException error = catchThrowableOfType(
                CniException.class,
                () -> host.chain()
                        .add(
                                NetworkConfigList.parse("{\"cniVersion\":\"1.0.0\",\"name\":\"both\",\"plugins\":["
                                        + CniJson.compact(config) + "]}"),
                                host.attachment("c1", "eth1")));

        assertThat(error.code()).isEqualTo(printed.path("code").intValue());
        assertThat(error)
                .hasMessage("plugin " + type + " failed (ADD): "
                        + printed.path("msg").asText());
        assertThat(error.details()).isEqualTo(printed.path("details").asText());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ptp", "bridge", "host-local", "portmap", "loopback"})
    void aVersionThatAPluginDoesNotKnowIsNamedWithThoseThatItKnows(String type) {
        NetworkConfigList list = NetworkConfigList.parse(
                "{\"cniVersion\":\"1.1.0\",\"name\":\"both\",\"plugins\":[{\"type\":\"" + type + "\"}]}");
        VersionInfo known = host.chain().version(list).get(type);
        assumeFalse(known.supports(SpecVersion.V1_1_0), "these plugins know 1.1.0");

        CniException error =
                catchThrowableOfType(CniException.class, () -> host.chain().add(list, host.attachment("c1", "eth0")));

        assertThat(error.code()).isEqualTo(ErrorCode.INCOMPATIBLE_VERSION);
        assertThat(known.supports(SpecVersion.V1_0_0)).isTrue();
    }

    @Test
    void aRangeThatIsUsedUpIsAnErrorAndFreeAgainAfterDel() {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"1.0.0","name":"both","plugins":[
                  {"type":"dummy","ipam":{"type":"host-local","subnet":"10.231.6.0/30","dataDir":"%s"}}]}
                """.formatted(state));
        CniResult first = host.chain().add(list, host.attachment("c1", "eth0"));

        CniException full = catchThrowableOfType(
                CniException.class, () -> host.chain().addOrUndo(list, host.attachment("c2", "eth1")));
        assertThat(full)
                .hasMessageStartingWith("plugin dummy failed (ADD): delegated plugin host-local failed (ADD): ")
                .hasMessageContaining("no IP addresses available");

        host.chain().del(list, host.attachment("c1", "eth0"), Optional.of(first));
        assertThat(host.chain().add(list, host.attachment("c2", "eth1")).ips()).isEqualTo(first.ips());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ptp", "bridge"})
    void checkFindsWhatHasChangedSinceAdd(String type) throws Exception {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"1.0.0","name":"both","plugins":[{"type":"%s","ipam":
                  {"type":"host-local","subnet":"10.231.7.0/24","dataDir":"%s"}}]}
                """.formatted(type, state));
        AttachmentParameters attachment = host.attachment("c1", "eth0");
        CniResult result = host.chain().add(list, attachment);
        host.chain().check(list, attachment, result);

        host.inPod("ip", "address", "flush", "dev", "eth0");

        assertThat(catchThrowableOfType(CniException.class, () -> host.chain().check(list, attachment, result)))
                .hasMessageStartingWith("plugin " + type + " failed (CHECK): ");
    }

    /** As the specification wants it of every plugin: a DEL of something that is gone is no failure. */
    @Test
    void delOfWhatIsGoneSucceedsTwice() throws Exception {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"1.0.0","name":"both","plugins":[
                  {"type":"bridge","bridge":"cniref1","ipam":{"type":"host-local","subnet":"10.231.8.0/24","dataDir":"%s"}},
                  {"type":"portmap","capabilities":{"portMappings":true}},
                  {"type":"loopback"}]}
                """.formatted(state));
        AttachmentParameters attachment = host.attachment("c1", "eth0");
        CniResult result = host.chain().add(list, attachment);
        host.inPod("ip", "link", "delete", "eth0");

        host.chain().del(list, attachment, Optional.of(result));
        host.chain().del(list, attachment.withoutNetns(), Optional.of(result));

        assertThat(state.resolve("both/10.231.8.2")).doesNotExist();
    }
}
