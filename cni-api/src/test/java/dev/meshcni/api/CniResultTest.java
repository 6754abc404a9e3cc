// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniResult.Interface;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CniResultTest {
    private static final String V1_1 = """
            {"cniVersion":"1.1.0",
             "interfaces":[{"name":"veth1","mac":"7a:00:00:00:00:01"},
               {"name":"eth0","mac":"7a:00:00:00:00:02","mtu":1450,"sandbox":"/run/netns/a","socketPath":"/s","pciID":"0000:00:1f.6"}],
             "ips":[{"interface":1,"address":"10.1.1.2/24","gateway":"10.1.1.1"},{"interface":1,"address":"fd00::2/64"},
               {"interface":1,"address":"10.1.1.3/24"}],
             "routes":[{"dst":"0.0.0.0/0","gw":"10.1.1.1","mtu":1400,"advmss":1360,"priority":50,"table":100,"scope":0},
               {"dst":"::/0","gw":"fd00::1"}],
             "dns":{"nameservers":["10.96.0.10"],"domain":"local","search":["a","b"],"options":["ndots:5"]}}
            """;
    private static final String V0_4 = """
            {"cniVersion":"0.4.0",
             "interfaces":[{"name":"veth1","mac":"7a:00:00:00:00:01"},
               {"name":"eth0","mac":"7a:00:00:00:00:02","sandbox":"/run/netns/a"}],
             "ips":[{"version":"4","interface":1,"address":"10.1.1.2/24","gateway":"10.1.1.1"},
               {"version":"6","interface":1,"address":"fd00::2/64"},{"version":"4","interface":1,"address":"10.1.1.3/24"}],
             "routes":[{"dst":"0.0.0.0/0","gw":"10.1.1.1","mtu":1400,"advmss":1360,"priority":50,"table":100,"scope":0},
               {"dst":"::/0","gw":"fd00::1"}],
             "dns":{"nameservers":["10.96.0.10"],"domain":"local","search":["a","b"],"options":["ndots:5"]}}
            """;
    private static final String V0_2 = """
            {"cniVersion":"0.2.0",
             "ip4":{"ip":"10.1.1.2/24","gateway":"10.1.1.1","routes":[{"dst":"0.0.0.0/0","gw":"10.1.1.1"}]},
             "ip6":{"ip":"fd00::2/64","routes":[{"dst":"::/0","gw":"fd00::1"}]},
             "dns":{"nameservers":["10.96.0.10"],"domain":"local","search":["a","b"],"options":["ndots:5"]}}
            """;

    @ParameterizedTest
    @ValueSource(strings = {V1_1, V0_4, V0_2})
    void aResultComesOutInItsOwnVersionAsItWentIn(String text) {
        ObjectNode json = json(text);
        SpecVersion version = SpecVersion.ofConfiguration(json.get("cniVersion").textValue());

        assertThat(CniResult.parse(json, SpecVersion.latest()).toJson(version)).isEqualTo(json);
    }

    @ParameterizedTest
    @CsvSource({"0.3.0", "0.3.1", "0.4.0"})
    void beforeVersion1AddressesHaveAFamilyAndInterfacesLessFields(String version) {
        assertThat(converted(V1_1, version)).isEqualTo(json(V0_4).put("cniVersion", version));
    }

    @ParameterizedTest
    @CsvSource({"0.1.0", "0.2.0"})
    void beforeVersion03ThereIsOneAddressOfEachFamilyWithItsRoutes(String version) {
        assertThat(converted(V1_1, version)).isEqualTo(json(V0_2).put("cniVersion", version));
        assertThat(converted(V0_4, version)).isEqualTo(json(V0_2).put("cniVersion", version));
    }

    @Test
    void versions100And110ShareOneShape() {
        assertThat(converted(V1_1, "1.0.0")).isEqualTo(json(V1_1).put("cniVersion", "1.0.0"));
    }

    @Test
    void anOldResultBecomesListsOfAddressesAndRoutes() {
        assertThat(converted(V0_2, "1.1.0")).isEqualTo(json("""
                {"cniVersion":"1.1.0",
                 "ips":[{"address":"10.1.1.2/24","gateway":"10.1.1.1"},{"address":"fd00::2/64"}],
                 "routes":[{"dst":"0.0.0.0/0","gw":"10.1.1.1"},{"dst":"::/0","gw":"fd00::1"}],
                 "dns":{"nameservers":["10.96.0.10"],"domain":"local","search":["a","b"],"options":["ndots:5"]}}
                """));
    }

    @Test
    void routesOfAFamilyWithoutAddressAreLeftOutBeforeVersion03() {
        ObjectNode old = converted("""
                {"cniVersion":"1.0.0","ips":[{"address":"fd00::2/64"}],"routes":[{"dst":"0.0.0.0/0"}]}
                """, "0.2.0");

        assertThat(old).isEqualTo(json("{\"cniVersion\":\"0.2.0\",\"ip6\":{\"ip\":\"fd00::2/64\"}}"));
    }

    @ParameterizedTest
    @EnumSource(
            value = SpecVersion.class,
            names = {"V0_1_0", "V0_2_0"})
    void aResultWithoutAddressCannotBeSaidBeforeVersion03(SpecVersion version) {
        CniException error = catchThrowableOfType(CniException.class, () -> CniResult.EMPTY.toJson(version));

        assertThat(error.code()).isEqualTo(ErrorCode.INCOMPATIBLE_VERSION);
        assertThat(error).hasMessageContaining(version.text()).hasMessageContaining("no IP address");
    }

    @Test
    void anEmptyResultHasNothingButItsVersion() {
        assertThat(CniResult.EMPTY.toJson(SpecVersion.V1_0_0)).isEqualTo(json("{\"cniVersion\":\"1.0.0\"}"));
    }

    @ParameterizedTest
    @CsvSource({"0.4.0,1.1.0", "1.1.0,0.4.0", "1.0.0,1.0.0"})
    void unknownFieldsSurviveEverywhere(String from, String to) {
        String text = """
                {"cniVersion":"%s","interfaces":[{"name":"eth0","x":1}],"ips":[{%s"address":"10.1.1.2/24","y":[2]}],
                 "routes":[{"dst":"0.0.0.0/0","z":{"a":3}}],"dns":{"domain":"d","w":true},"v":1.50}
                """;

        assertThat(converted(text.formatted(from, family(from)), to)).isEqualTo(json(text.formatted(to, family(to))));
    }

    @Test
    void aFieldOfALaterVersionIsAnUnknownOneAndSurvives() {
        String text = "{\"cniVersion\":\"0.4.0\",\"interfaces\":[{\"name\":\"eth0\",\"mtu\":1450}]}";

        assertThat(converted(text, "0.4.0")).isEqualTo(json(text));
    }

    @Test
    void anUnknownFieldNeverTakesThePlaceOfAKnownOne() {
        assertThat(converted("{\"cniVersion\":\"0.2.0\",\"ip4\":{\"ip\":\"10.1.1.2/24\"},\"ips\":\"x\"}", "1.0.0"))
                .isEqualTo(json("{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.1.1.2/24\"}]}"));
        assertThat(converted(
                        "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"fd00::1/64\",\"version\":\"4\"}]}", "0.4.0"))
                .isEqualTo(json("{\"cniVersion\":\"0.4.0\",\"ips\":[{\"version\":\"6\",\"address\":\"fd00::1/64\"}]}"));
    }

    @Test
    void theVersionOfAResultThatNamesNoneIsItsCallers() {
        CniResult result = CniResult.parse(json("{\"ip4\":{\"ip\":\"10.1.1.2/24\"}}"), SpecVersion.V0_1_0);

        assertThat(result.ips().getFirst().address()).hasToString("10.1.1.2/24");
    }

    @Test
    void anAddressLeadsToItsInterface() {
        CniResult result = CniResult.of(
                List.of(Interface.ofHost("veth1"), Interface.ofSandbox("eth0", "/n")),
                List.of(
                        CniResult.Ip.of(IpNet.parse("10.1.1.2/24"), 1),
                        CniResult.Ip.of(IpNet.parse("10.1.1.3/24"), 2),
                        CniResult.Ip.of(IpNet.parse("10.1.1.4/24"), -1)),
                List.of());

        assertThat(result.ips().stream().map(result::interfaceOf).map(found -> found.map(Interface::name)))
                .containsExactly(Optional.of("eth0"), Optional.empty(), Optional.empty());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"ips\":[{}]}|ips[0].address",
                "{\"ips\":[{\"address\":\"10.1.1.2\"}]}|ips[0].address",
                "{\"ips\":[{\"address\":\"10.1.1.2/24\",\"gateway\":\"gw\"}]}|ips[0].gateway",
                "{\"ips\":[{\"address\":\"10.1.1.2/24\",\"interface\":\"0\"}]}|ips[0].interface",
                "{\"ips\":[{\"address\":\"10.1.1.2/24\",\"interface\":4294967296}]}|ips[0].interface",
                "{\"ips\":{}}|ips",
                "{\"interfaces\":[7]}|interfaces[0]",
                "{\"interfaces\":[{}]}|interfaces[0].name",
                "{\"interfaces\":[{\"name\":\"a\",\"mtu\":1.5}]}|interfaces[0].mtu",
                "{\"routes\":[{\"dst\":\"x\"}]}|routes[0].dst",
                "{\"dns\":{\"nameservers\":[1]}}|dns.nameservers[0]",
                "{\"cniVersion\":\"0.2.0\",\"ip6\":{}}|ip6.ip"
            })
    void whatHasNotTheShapeIsNamed(String text, String field) {
        CniException error =
                catchThrowableOfType(CniException.class, () -> CniResult.parse(json(text), SpecVersion.V1_1_0));

        assertThat(error.code()).isEqualTo(ErrorCode.DECODING_FAILURE);
        assertThat(error).hasMessageContaining("field " + field);
    }

    @Test
    void aResultOfAnUnknownVersionIsIncompatible() {
        CniException error = catchThrowableOfType(
                CniException.class, () -> CniResult.parse(json("{\"cniVersion\":\"3.0.0\"}"), SpecVersion.V1_1_0));

        assertThat(error.code()).isEqualTo(ErrorCode.INCOMPATIBLE_VERSION);
    }

    private static String family(String version) {
        return SpecVersion.ofConfiguration(version).atLeast(SpecVersion.V1_0_0) ? "" : "\"version\":\"4\",";
    }

    private static ObjectNode converted(String text, String version) {
        ObjectNode written =
                CniResult.parse(json(text), SpecVersion.latest()).toJson(SpecVersion.ofConfiguration(version));
        return json(CniJson.compact(written));
    }

    private static ObjectNode json(String text) {
        return CniJson.lenientObject(text);
    }
}
