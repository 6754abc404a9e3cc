// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CniEnvironmentTest {
    private static final Map<String, String> ADD = Map.of(
            "CNI_COMMAND", "ADD",
            "CNI_CONTAINERID", "c0ffee-1",
            "CNI_NETNS", "/var/run/netns/cni-1",
            "CNI_IFNAME", "eth0",
            "CNI_ARGS", "K8S_POD_NAME=web-0",
            "CNI_PATH", "/opt/cni/bin::/usr/lib/cni");

    @Test
    void everyVariableIsRead() {
        assertThat(CniEnvironment.parse(ADD))
                .isEqualTo(new CniEnvironment(
                        CniCommand.ADD,
                        "c0ffee-1",
                        "/var/run/netns/cni-1",
                        "eth0",
                        CniArgs.parse("K8S_POD_NAME=web-0"),
                        List.of("/opt/cni/bin", "/usr/lib/cni")));
    }

    @ParameterizedTest
    @CsvSource({
        "ADD,'CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME'",
        "CHECK,'CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME'",
        "DEL,'CNI_CONTAINERID, CNI_IFNAME'",
        "GC,CNI_PATH"
    })
    void allMissingVariablesAreNamedAtOnce(String command, String missing) {
        CniException error = failure(Map.of("CNI_COMMAND", command));

        assertThat(error.code()).isEqualTo(ErrorCode.INVALID_ENVIRONMENT);
        assertThat(error).hasMessage("required environment variables missing: " + missing);
    }

    @Test
    void anEmptyVariableIsAMissingOne() {
        assertThat(failure(with("CNI_NETNS", ""))).hasMessageEndingWith("missing: CNI_NETNS");
    }

    @Test
    void aMissingCommandIsNamed() {
        assertThat(failure(Map.of())).hasMessageEndingWith("missing: CNI_COMMAND");
    }

    @ParameterizedTest
    @ValueSource(strings = {"add", "UPDATE", "ADD "})
    void anUnknownCommandIsQuoted(String command) {
        assertThat(failure(with("CNI_COMMAND", command)))
                .hasMessage("unknown CNI_COMMAND: \"" + command + "\"")
                .extracting(CniException::code)
                .isEqualTo(ErrorCode.INVALID_ENVIRONMENT);
    }

    @Test
    void delMayComeWithoutNetns() {
        Map<String, String> env = with("CNI_COMMAND", "DEL");
        env.put("CNI_NETNS", "");

        assertThat(CniEnvironment.parse(env).netns()).isEmpty();
    }

    @Test
    void argsAndPathAreOptional() {
        Map<String, String> env = new HashMap<>(ADD);
        env.remove("CNI_ARGS");
        env.remove("CNI_PATH");

        assertThat(CniEnvironment.parse(env).args()).isEqualTo(CniArgs.NONE);
        assertThat(CniEnvironment.parse(env).path()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = CniCommand.class,
            names = {"VERSION", "STATUS", "GC"})
    void whatIsAboutNoContainerDoesNotLookAtItsVariables(CniCommand command) {
        CniEnvironment environment = CniEnvironment.parse(Map.of(
                "CNI_COMMAND", command.name(),
                "CNI_CONTAINERID", "???",
                "CNI_NETNS", "dummy",
                "CNI_IFNAME", "a/b",
                "CNI_ARGS", ";;;",
                "CNI_PATH", "/bin"));

        assertThat(environment.containerId()).isEmpty();
        assertThat(environment.netns()).isEmpty();
        assertThat(environment.ifName()).isEmpty();
        assertThat(environment.args()).isEqualTo(CniArgs.NONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-a", ".a", "_a", "a/b", "a b", "a\n", "ä", "../etc"})
    void aContainerIdOfOtherCharactersIsInvalid(String id) {
        assertThat(failure(with("CNI_CONTAINERID", id))).hasMessageContaining("CNI_CONTAINERID");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "0", "a-b_c.d", "8e1f3c"})
    void aContainerIdOfTheSpecificationIsValid(String id) {
        assertThat(CniEnvironment.parse(with("CNI_CONTAINERID", id)).containerId())
                .isEqualTo(id);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {".", "..", "a/b", "a:1", "a b", "a\tb", "a\u00a0b", "sixteen-bytes-00", "ääääääää", "a\u0000b"})
    void anInterfaceNameThatTheKernelRefusesIsInvalid(String name) {
        assertThat(failure(with("CNI_IFNAME", name))).hasMessageContaining("CNI_IFNAME");
    }

    @ParameterizedTest
    @ValueSource(strings = {"eth0", "net1", "fifteen-bytes-0", "a.b", "veth@x", "äää"})
    void anInterfaceNameThatTheKernelTakesIsValid(String name) {
        assertThat(CniEnvironment.parse(with("CNI_IFNAME", name)).ifName()).isEqualTo(name);
    }

    @Test
    void allInvalidVariablesAreNamedAtOnce() {
        Map<String, String> env = with("CNI_CONTAINERID", "-");
        env.put("CNI_NETNS", "relative/path");
        env.put("CNI_IFNAME", "..");

        assertThat(failure(env))
                .hasMessageContaining("invalid CNI_CONTAINERID \"-\"")
                .hasMessageContaining("invalid CNI_NETNS \"relative/path\"")
                .hasMessageContaining("invalid CNI_IFNAME \"..\"");
    }

    @Test
    void aPathThatCannotBeOneIsInvalid() {
        assertThatThrownBy(() -> CniEnvironment.parse(with("CNI_PATH", "/a\0b")))
                .isInstanceOf(CniException.class)
                .hasMessageContaining("CNI_PATH");
    }

    private static Map<String, String> with(String name, String value) {
        Map<String, String> env = new HashMap<>(ADD);
        env.put(name, value);
        return env;
    }

    private static CniException failure(Map<String, String> env) {
        return catchThrowableOfType(CniException.class, () -> CniEnvironment.parse(env));
    }
}
