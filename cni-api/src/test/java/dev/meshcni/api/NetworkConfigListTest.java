// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkConfigListTest {
    private static final String LIST = """
            {
              "cniVersion": "0.4.0", "name": "pods", "disableCheck": true, "unknown": [1],
              "plugins": [
                { "type": "ptp", "ipam": { "type": "host-local" } },
                { "type": "portmap", "capabilities": { "portMappings": true, "x": false }, "snat": true }
              ]
            }
            """;

    @Test
    void aListHasItsPluginsInOrder() {
        NetworkConfigList list = NetworkConfigList.parse(LIST);

        assertThat(list.name()).isEqualTo("pods");
        assertThat(list.specVersion()).isEqualTo(SpecVersion.V0_4_0);
        assertThat(list.disableCheck()).isTrue();
        assertThat(list.disableGc()).isFalse();
        assertThat(list.single()).isFalse();
        assertThat(list.plugins()).extracting(NetworkConfigList.Plugin::type).containsExactly("ptp", "portmap");
        assertThat(list.plugins().getFirst().ipamType()).hasValue("host-local");
        assertThat(list.plugins().getLast().capabilities())
                .containsEntry("portMappings", true)
                .containsEntry("x", false);
        assertThat(list.plugins().getLast().json().get("snat").booleanValue()).isTrue();
    }

    @Test
    void textAndUnknownFieldsAreKept() {
        NetworkConfigList list = NetworkConfigList.parse(LIST);

        assertThat(list.text()).isEqualTo(LIST);
        assertThat(list.json().get("unknown").get(0).intValue()).isEqualTo(1);
    }

    @Test
    void aSinglePluginIsAListOfOne() {
        NetworkConfigList list = NetworkConfigList.parseSingle("""
                {"cniVersion":"0.3.1","name":"pods","type":"ptp"}
                """);

        assertThat(list.single()).isTrue();
        assertThat(list.name()).isEqualTo("pods");
        assertThat(list.cniVersion()).isEqualTo("0.3.1");
        assertThat(list.plugins()).extracting(NetworkConfigList.Plugin::type).containsExactly("ptp");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'\"1.0.0\",\"1.1.0\"'|1.1.0",
                "'\"1.1.0\",\"9.9.9\",\"0.3.1\"'|1.1.0",
                "'\"0.1.0\"'|0.4.0",
                "'\"9.9.9\"'|0.4.0"
            })
    void theNewestOfferedVersionThatIsKnownIsUsed(String offered, String chosen) {
        NetworkConfigList list = NetworkConfigList.parse("{\"cniVersion\":\"0.4.0\",\"cniVersions\":[" + offered
                + "],\"name\":\"a\",\"plugins\":[{\"type\":\"x\"}]}");

        assertThat(list.cniVersion()).isEqualTo(chosen);
    }

    @Test
    void aVersionThatIsNotKnownIsAnErrorWhereItIsUsedFirst() {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"9.9.9","name":"a","plugins":[{"type":"x"}]}
                """);

        assertThat(catchThrowableOfType(CniException.class, list::specVersion).code())
                .isEqualTo(ErrorCode.INCOMPATIBLE_VERSION);
    }

    @Test
    void flagsMayBeWordsAsInLibcni() {
        NetworkConfigList list = NetworkConfigList.parse("""
                {"name":"a","disableCheck":"TRUE","disableGC":true,"loadOnlyInlinedPlugins":"false","plugins":[{"type":"x"}]}
                """);

        assertThat(list.disableCheck()).isTrue();
        assertThat(list.disableGc()).isTrue();
        assertThat(list.loadOnlyInlinedPlugins()).isFalse();
    }

    @Test
    void aSinglePluginHasNoFlagsOfAList() {
        NetworkConfigList list = NetworkConfigList.parseSingle("""
                {"name":"a","type":"x","disableCheck":true,"disableGC":5,"loadOnlyInlinedPlugins":"perhaps"}
                """);

        assertThat(list.disableCheck()).isFalse();
        assertThat(list.disableGc()).isFalse();
        assertThat(list.loadOnlyInlinedPlugins()).isFalse();
    }

    @Test
    void ofAFieldThatOccursTwiceTheLastOneCountsAsForRuntimes() {
        assertThat(NetworkConfigList.parseSingle("{\"type\":\"a\",\"type\":\"b\"}")
                        .plugins())
                .extracting(NetworkConfigList.Plugin::type)
                .containsExactly("b");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"plugins\":[{\"type\":\"x\"}]}|name",
                "{\"name\":1,\"plugins\":[{\"type\":\"x\"}]}|name",
                "{\"name\":\"a\"}|plugins",
                "{\"name\":\"a\",\"plugins\":[]}|plugins",
                "{\"name\":\"a\",\"plugins\":{}}|plugins",
                "{\"name\":\"a\",\"plugins\":[{\"type\":\"x\"},{}]}|plugins[1].type",
                "{\"name\":\"a\",\"plugins\":[{\"type\":\"\"}]}|plugins[0].type",
                "{\"name\":\"a\",\"plugins\":[1]}|plugins[0]",
                "{\"name\":\"a\",\"disableCheck\":\"yes\",\"plugins\":[{\"type\":\"x\"}]}|disableCheck",
                "{\"name\":\"a\",\"cniVersions\":[1],\"plugins\":[{\"type\":\"x\"}]}|cniVersions[0]",
                "{\"name\":\"a\",\"cniVersions\":[\"latest\"],\"plugins\":[{\"type\":\"x\"}]}|cniVersions",
                "{\"name\":\"a\",\"cniVersions\":null,\"plugins\":[{\"type\":\"x\"}]}|cniVersions",
                "{\"name\":\"a\",\"cniVersion\":null,\"plugins\":[{\"type\":\"x\"}]}|cniVersion"
            })
    void whatRuntimesRefuseIsRefusedByName(String text, String field) {
        CniException error = catchThrowableOfType(CniException.class, () -> NetworkConfigList.parse(text));

        assertThat(error.code()).isEqualTo(ErrorCode.INVALID_NETWORK_CONFIG);
        assertThat(error).hasMessageContaining("field " + field);
    }

    @Test
    void aListInAConfFileIsRefusedWithTheReason() {
        CniException error = catchThrowableOfType(CniException.class, () -> NetworkConfigList.parseSingle(LIST));

        assertThat(error).hasMessage("missing field type");
        assertThat(error.details()).contains(".conflist");
    }

    @Test
    void aSyntaxErrorNamesLineAndColumn() {
        CniException error = catchThrowableOfType(
                CniException.class, () -> NetworkConfigList.parse("{\n  \"name\": \"a\",\n  \"plugins\": [ }\n}"));

        assertThat(error.code()).isEqualTo(ErrorCode.DECODING_FAILURE);
        assertThat(error).hasMessageContaining("line 3, column 16");
    }
}
