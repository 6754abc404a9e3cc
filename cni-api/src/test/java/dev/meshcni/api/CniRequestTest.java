// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.HashMap;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CniRequestTest {
    private static final String STDIN = """
            {"cniVersion":"1.1.0","name":"pods","type":"istio-cni","capabilities":{"a":true},"dns":{"search":["x"]},
             "cni.dev/valid-attachments":[{"containerID":"c","ifname":"eth0"}],"ipam":{"type":"host-local"},
             "prevResult":{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","sandbox":"/n","mtu":1500}],
             "ips":[{"address":"10.1.1.2/24","gateway":"10.1.1.1","interface":0},{"address":"fd00::2/64"}],
             "routes":[{"dst":"0.0.0.0/0","gw":"10.1.1.1","table":254}],"dns":{}}}
            """;
    private static final Map<String, String> ENV = Map.of(
            "CNI_COMMAND", "ADD",
            "CNI_CONTAINERID", "c1",
            "CNI_NETNS", "/var/run/netns/x",
            "CNI_IFNAME", "eth0",
            "CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=a;K8S_POD_NAME=b",
            "CNI_PATH", "/opt/cni/bin");

    @Test
    void aCallIsItsEnvironmentAndItsConfiguration() {
        CniRequest request = CniRequest.parse(ENV, STDIN.getBytes(UTF_8));

        assertThat(request.command()).isEqualTo(CniCommand.ADD);
        assertThat(request.environment().args().podName()).hasValue("b");
        assertThat(request.config().prevResult().orElseThrow().ips()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "{\"cniVersion\":\"7.0.0\"}"})
    void versionIsAnsweredInTheNewestVersionWhenTheCallersIsNotKnown(String stdin) {
        assertThat(version(stdin)).isEqualTo(SpecVersion.latest());
    }

    @Test
    void versionNeedsNoName() {
        assertThat(version("{\"cniVersion\":\"0.4.0\"}")).isEqualTo(SpecVersion.V0_4_0);
    }

    @Test
    void versionWithGarbageCannotBeDecoded() {
        assertThat(catchThrowableOfType(CniException.class, () -> version("garbage"))
                        .code())
                .isEqualTo(ErrorCode.DECODING_FAILURE);
    }

    @Test
    void theEnvironmentIsLookedAtBeforeStandardInput() {
        CniException error =
                catchThrowableOfType(CniException.class, () -> CniRequest.parse(Map.of(), "garbage".getBytes(UTF_8)));

        assertThat(error.code()).isEqualTo(ErrorCode.INVALID_ENVIRONMENT);
    }

    @ParameterizedTest
    @CsvSource({"CHECK,0.3.1", "GC,1.0.0", "STATUS,1.0.0"})
    void aCommandThatTheVersionDoesNotHaveYetIsIncompatible(String command, String version) {
        CniException error = catchThrowableOfType(CniException.class, () -> call(command, version));

        assertThat(error.code()).isEqualTo(ErrorCode.INCOMPATIBLE_VERSION);
        assertThat(error).hasMessage("CNI version " + version + " does not allow " + command);
    }

    @ParameterizedTest
    @CsvSource({"ADD,0.1.0", "DEL,0.1.0", "CHECK,0.4.0", "GC,1.1.0", "STATUS,1.1.0"})
    void aCommandIsAllowedFromTheVersionThatBroughtIt(String command, String version) {
        assertThat(call(command, version).command().name()).isEqualTo(command);
    }

    @Property(tries = 5_000)
    void whateverComesInIsARequestOrACniError(
            @ForAll("mutations") byte[] stdin, @ForAll("environments") Map<String, String> env) {
        try {
            CniRequest request = CniRequest.parse(env, stdin);
            readEverything(request.config());
        } catch (CniException e) {
            assertThat(e.code()).isIn(1, 4, 6, 7);
            assertThat(e.getMessage()).isNotBlank().hasSizeLessThan(1_000);
            assertThat(CniJson.object(CniJson.bytes(CniError.of(e).toJson()))
                            .get("code")
                            .intValue())
                    .isEqualTo(e.code());
        }
    }

    /** Every accessor, each of which may fail in its own way. */
    private static void readEverything(PluginConfig config) {
        config.json();
        config.validAttachments();
        config.capabilities();
        config.runtimeConfig();
        config.ipamType();
        config.dns();
        config.strings("exclude_namespaces");
        for (SpecVersion version : SpecVersion.all()) {
            config.prevResult().ifPresent(result -> result.toJson(version));
        }
    }

    /** A good configuration with a few bytes changed, cut out or doubled. */
    @Provide
    Arbitrary<byte[]> mutations() {
        Arbitrary<Integer> positions = Arbitraries.integers().between(0, STDIN.length() - 1);
        Arbitrary<String> inserts = Arbitraries.oneOf(
                Arbitraries.of("{", "}", "[", "]", "\"", ",", ":", "null", "-1", "1e99", "true", "\\u0000", "\u00e4"),
                Arbitraries.strings().ofMaxLength(3));
        Arbitrary<Integer> lengths = Arbitraries.integers().between(0, 12);
        Arbitrary<String> once = Combinators.combine(positions, lengths, inserts)
                .as((position, length, insert) -> STDIN.substring(0, position)
                        + insert
                        + STDIN.substring(Math.min(position + length, STDIN.length())));
        return Arbitraries.oneOf(
                once.map(text -> text.getBytes(UTF_8)),
                Arbitraries.strings().ofMaxLength(200).map(text -> text.getBytes(UTF_8)),
                Arbitraries.bytes().array(byte[].class).ofMaxSize(200));
    }

    @Provide
    Arbitrary<Map<String, String>> environments() {
        Arbitrary<String> commands = Arbitraries.frequencyOf(
                Tuple.of(8, Arbitraries.of(CniCommand.class).map(Enum::name)),
                Tuple.of(1, Arbitraries.strings().ofMaxLength(5)));
        Arbitrary<Map<String, String>> changes = Arbitraries.maps(
                        Arbitraries.of(ENV.keySet()),
                        Arbitraries.strings().withChars("ac0/.:;= \n\0-").ofMaxLength(18))
                .ofMaxSize(1);
        return Combinators.combine(commands, changes).as((command, change) -> {
            Map<String, String> env = new HashMap<>(ENV);
            env.put("CNI_COMMAND", command);
            env.putAll(change);
            return env;
        });
    }

    private static CniRequest call(String command, String version) {
        Map<String, String> environment = new HashMap<>(ENV);
        environment.put("CNI_COMMAND", command);
        return CniRequest.parse(environment, STDIN.replace("1.1.0", version).getBytes(UTF_8));
    }

    private static SpecVersion version(String stdin) {
        return CniRequest.parse(Map.of("CNI_COMMAND", "VERSION"), stdin.getBytes(UTF_8))
                .config()
                .cniVersion();
    }
}
