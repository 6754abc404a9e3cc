// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PluginConfigTest {
    @Test
    void theFieldsOfEveryPluginAreRead() {
        PluginConfig config = parse("""
                {"cniVersion":"1.0.0","name":"pods","type":"istio-cni","ipam":{"type":"host-local"},
                 "dns":{"nameservers":["10.96.0.10"],"search":["svc.cluster.local"]},
                 "capabilities":{"portMappings":true,"bandwidth":false},
                 "runtimeConfig":{"portMappings":[{"hostPort":80}]},
                 "exclude_namespaces":["kube-system"],"native_nftables":true,"pod_namespace":"istio-system"}
                """);

        assertThat(config.cniVersion()).isEqualTo(SpecVersion.V1_0_0);
        assertThat(config.name()).isEqualTo("pods");
        assertThat(config.type()).isEqualTo("istio-cni");
        assertThat(config.ipamType()).hasValue("host-local");
        assertThat(config.dns().nameservers()).containsExactly("10.96.0.10");
        assertThat(config.capabilities()).containsEntry("portMappings", true).containsEntry("bandwidth", false);
        assertThat(config.runtimeConfig()
                        .orElseThrow()
                        .at("/portMappings/0/hostPort")
                        .intValue())
                .isEqualTo(80);
        assertThat(config.strings("exclude_namespaces")).containsExactly("kube-system");
        assertThat(config.bool("native_nftables")).hasValue(true);
        assertThat(config.text("pod_namespace")).hasValue("istio-system");
    }

    @Test
    void absentAndNullFieldsAreEmpty() {
        PluginConfig config = parse("""
                {"name":"pods","type":"x","a":null}
                """);

        assertThat(config.cniVersion()).isEqualTo(SpecVersion.V0_1_0);
        assertThat(config.prevResult()).isEmpty();
        assertThat(config.validAttachments()).isEmpty();
        assertThat(config.runtimeConfig()).isEmpty();
        assertThat(config.ipamType()).isEmpty();
        assertThat(config.dns().isEmpty()).isTrue();
        assertThat(config.text("a")).isEmpty();
        assertThat(config.strings("b")).isEmpty();
        assertThat(config.bool("c")).isEmpty();
    }

    @Test
    void unknownFieldsAndNumbersComeOutAsTheyWentIn() {
        String text = "{\"name\":\"pods\",\"type\":\"x\",\"limit\":1.500,\"big\":123456789012345678901234567890,"
                + "\"deep\":{\"list\":[1e3,null,\"\u00e4\"]}}";

        assertThat(CniJson.compact(parse(text).json()).replace("1E+3", "1e3")).isEqualTo(text);
    }

    @Test
    void changingTheJsonOfAConfigurationDoesNotChangeIt() {
        PluginConfig config = parse("{\"name\":\"pods\"}");
        config.json().put("name", "other");

        assertThat(config.json().get("name").textValue()).isEqualTo("pods");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "nonsense",
                "[]",
                "null",
                "\"text\"",
                "{\"name\":\"a\"}{}",
                "{\"name\":\"a\"} x",
                "{'name':'a'}",
                "{\"name\":\"a\",}",
                "{\"name\":\"a\",\"name\":\"b\"}",
                "{\"name\":NaN}",
                "\ufeff{\"name\":\"a\"}",
                "// comment\n{}"
            })
    void whatIsNotOneJsonObjectCannotBeDecoded(String stdin) {
        assertThat(failure(stdin).code()).isEqualTo(ErrorCode.DECODING_FAILURE);
    }

    @Test
    void otherEncodingsAndBytesCannotBeDecoded() {
        byte[] latin1 = {'{', '"', 'a', '"', ':', '"', (byte) 0xe4, '"', '}'};
        byte[] utf16 = "{\"name\":\"a\"}".getBytes(java.nio.charset.StandardCharsets.UTF_16);

        for (byte[] stdin : new byte[][] {latin1, utf16, {0}, new byte[100]}) {
            CniException error = catchThrowableOfType(CniException.class, () -> PluginConfig.parse(stdin));
            assertThat(error.code()).isEqualTo(ErrorCode.DECODING_FAILURE);
        }
    }

    @Test
    void nestingAndLengthsAreBounded() {
        assertThat(failure("{\"a\":" + "[".repeat(100_000)).code()).isEqualTo(ErrorCode.DECODING_FAILURE);
        assertThat(failure("{\"name\":\"a\",\"n\":" + "9".repeat(200_000) + "}").code())
                .isEqualTo(ErrorCode.DECODING_FAILURE);
        assertThat(failure(" ".repeat(CniJson.MAX_LENGTH + 1)).code()).isEqualTo(ErrorCode.DECODING_FAILURE);
    }

    @Test
    void aTextMayFillTheWholeDocument() {
        assertThat(parse("{\"name\":\"a\",\"x\":\"" + "a".repeat(2 << 20) + "\"}")
                        .text("x"))
                .isPresent();
    }

    @Test
    void aSyntaxErrorNamesLineAndColumn() {
        assertThat(failure("{\n  \"name\": \"a\"\n  \"type\": \"x\"\n}")).hasMessageContaining("line 3, column 3");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{                     | line 1, column 2: Unexpected end-of-input",
                "{\"plugins\": [         | line 1, column 14: Unexpected end-of-input",
                "{\"name\": \"a          | line 1, column 12: Unexpected end-of-input",
                "{\"name\": oops}        | line 1, column 10: Unrecognized token 'oops'",
                "{\"name\": \"a\"} }      | line 1, column ",
                "{\"a\": 1, \"a\": 2}    | line 1, column 13: Duplicate"
            })
    void aSyntaxErrorIsSaidWithoutTheParsersOwnNoise(String json, String reason) {
        assertThat(failure(json))
                .hasMessageStartingWith("cannot decode JSON: " + reason)
                .hasMessageNotContainingAny("Source:", "REDACTED", "StreamReadFeature", "\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2.0.0", "1.0", "v1.0.0", "0.3.2", "latest"})
    void aVersionThatWasNeverReleasedIsIncompatible(String version) {
        CniException error = failure("{\"cniVersion\":\"" + version + "\",\"name\":\"a\"}");

        assertThat(error.code()).isEqualTo(ErrorCode.INCOMPATIBLE_VERSION);
        assertThat(error).hasMessageContaining(version);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{}|name",
                "{\"name\":\"\"}|name",
                "{\"name\":\"a b\"}|name",
                "{\"name\":\"../a\"}|name",
                "{\"name\":7}|name",
                "{\"name\":\"a\",\"type\":[]}|type",
                "{\"name\":\"a\",\"cniVersion\":1}|cniVersion"
            })
    void aFieldOfTheWrongShapeIsNamed(String stdin, String field) {
        CniException error = failure(stdin);

        assertThat(error.code()).isEqualTo(ErrorCode.INVALID_NETWORK_CONFIG);
        assertThat(error).hasMessageContaining(field);
    }

    @Test
    void typedLookupsNameTheFieldOfTheWrongType() {
        PluginConfig config = parse("""
                {"name":"a","t":1,"s":["x",2],"l":"x","b":"true","o":[],"ipam":{"type":{}},"dns":{"search":1}}
                """);

        assertInvalid(() -> config.text("t"), "t");
        assertInvalid(() -> config.strings("s"), "s[1]");
        assertInvalid(() -> config.strings("l"), "l");
        assertInvalid(() -> config.bool("b"), "b");
        assertInvalid(() -> config.object("o"), "o");
        assertInvalid(config::ipamType, "ipam.type");
        assertInvalid(config::dns, "dns.search");
    }

    @Test
    void prevResultIsReadInItsOwnVersion() {
        PluginConfig config = parse("""
                {"cniVersion":"0.4.0","name":"a","prevResult":
                  {"cniVersion":"0.2.0","ip4":{"ip":"10.1.1.2/24"}}}
                """);

        assertThat(config.prevResult().orElseThrow().ips().getFirst().address()).hasToString("10.1.1.2/24");
    }

    @Test
    void aPrevResultThatCannotBeReadIsAnInvalidConfiguration() {
        PluginConfig config = parse("""
                {"cniVersion":"1.0.0","name":"a","prevResult":{"ips":[{"address":"10.1.1"}]}}
                """);

        assertInvalid(config::prevResult, "ips[0].address");
    }

    @ParameterizedTest
    @ValueSource(strings = {"cni.dev/valid-attachments", "cni.dev/attachments"})
    void validAttachmentsAreReadUnderBothNamesThatRuntimesUse(String key) {
        PluginConfig config = parse("{\"name\":\"a\",\"" + key + "\":[{\"containerID\":\"c1\",\"ifname\":\"eth0\"}]}");

        assertThat(config.validAttachments().orElseThrow()).containsExactly(new Attachment("c1", "eth0"));
    }

    @Test
    void noValidAttachmentIsNotTheSameAsNoWordAboutThem() {
        assertThat(parse("{\"name\":\"a\",\"cni.dev/valid-attachments\":[]}").validAttachments())
                .hasValueSatisfying(list -> assertThat(list).isEmpty());
        assertThat(parse("{\"name\":\"a\",\"cni.dev/valid-attachments\":null}").validAttachments())
                .isPresent();
    }

    @Test
    void anAttachmentWithoutContainerIsInvalid() {
        PluginConfig config = parse("{\"name\":\"a\",\"cni.dev/valid-attachments\":[{\"ifname\":\"eth0\"}]}");

        assertInvalid(config::validAttachments, "cni.dev/valid-attachments[0].containerID");
    }

    private static PluginConfig parse(String text) {
        return PluginConfig.parse(text.getBytes(UTF_8));
    }

    private static CniException failure(String stdin) {
        return catchThrowableOfType(CniException.class, () -> parse(stdin));
    }

    private static void assertInvalid(org.assertj.core.api.ThrowableAssert.ThrowingCallable lookup, String field) {
        CniException error = catchThrowableOfType(CniException.class, lookup);
        assertThat(error.code()).isEqualTo(ErrorCode.INVALID_NETWORK_CONFIG);
        assertThat(error).hasMessageContaining(field).hasMessageNotContaining("Exception");
    }
}
