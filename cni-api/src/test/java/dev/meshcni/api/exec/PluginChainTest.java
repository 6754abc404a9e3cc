// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.exec;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.Attachment;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.PluginConfig;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.api.VersionInfo;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The chain with plugins that are shell scripts: each writes down how it was called. */
class PluginChainTest {
    private static final AttachmentParameters POD =
            AttachmentParameters.of("c1", "/run/netns/a", "eth0").withArgs("IgnoreUnknown=1;K8S_POD_NAME=web-0");
    private static final String RESULT =
            "{\"cniVersion\":\"0.4.0\",\"ips\":[{\"version\":\"4\",\"address\":\"10.1.1.2/24\"}]}";

    @TempDir
    private Path dir;

    private PluginChain chain;

    @BeforeEach
    void chain() {
        chain = new PluginChain(List.of(dir.resolve("none"), dir), Map.of("EXTRA", "1"), Duration.ofSeconds(20));
    }

    @Test
    void addRunsAllPluginsInOrderAndPassesResultsOn() throws IOException {
        plugin("first", printing(RESULT));
        plugin("second", printing("{\"ips\":[{\"version\":\"6\",\"address\":\"fd00::2/64\"}]}"));

        CniResult result = chain.add(list("0.4.0", "first", "second"), POD);

        assertThat(result.ips()).extracting(ip -> ip.address().toString()).containsExactly("fd00::2/64");
        assertThat(calls()).containsExactly("ADD first", "ADD second");
        assertThat(stdin("first", "ADD").get("name").textValue()).isEqualTo("pods");
        assertThat(stdin("first", "ADD").get("cniVersion").textValue()).isEqualTo("0.4.0");
        assertThat(stdin("first", "ADD").has("prevResult")).isFalse();
        assertThat(stdin("second", "ADD").get("prevResult")).isEqualTo(CniJson.lenientObject(RESULT));
    }

    @Test
    void pluginsGetTheCniVariablesAndNothingElseThatWasNotGiven() throws IOException {
        plugin("first", "/usr/bin/env | /usr/bin/sort > " + dir.resolve("env") + "\necho '" + RESULT + "'");

        chain.add(list("0.4.0", "first"), POD);

        assertThat(Files.readAllLines(dir.resolve("env")).stream().filter(line -> !line.matches("(PWD|SHLVL|_)=.*")))
                .containsExactly(
                        "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAME=web-0",
                        "CNI_COMMAND=ADD",
                        "CNI_CONTAINERID=c1",
                        "CNI_IFNAME=eth0",
                        "CNI_NETNS=/run/netns/a",
                        "CNI_PATH=" + dir.resolve("none") + ":" + dir,
                        "EXTRA=1");
    }

    @Test
    void capabilitiesThatAreTurnedOnGetTheirParameters() throws IOException {
        plugin("first", printing(RESULT));
        NetworkConfigList list = NetworkConfigList.parse("""
                {"cniVersion":"0.4.0","name":"pods","plugins":[
                  {"type":"first","capabilities":{"portMappings":true,"bandwidth":false},"kept":[1]}]}
                """);

        chain.add(
                list,
                POD.withCapabilityArgs(Map.of(
                        "portMappings", CniJson.lenientObject("{\"a\":1}"),
                        "bandwidth", CniJson.lenientObject("{\"b\":2}"),
                        "ips", CniJson.lenientObject("{\"c\":3}"))));

        assertThat(stdin("first", "ADD").get("runtimeConfig"))
                .isEqualTo(CniJson.lenientObject("{\"portMappings\":{\"a\":1}}"));
        assertThat(stdin("first", "ADD").get("kept").get(0).intValue()).isEqualTo(1);
    }

    @Test
    void delRunsInReverseWithTheResultOfAdd() throws IOException {
        plugin("first", "");
        plugin("second", "");

        chain.del(list("0.4.0", "first", "second"), POD, Optional.of(result()));

        assertThat(calls()).containsExactly("DEL second", "DEL first");
        assertThat(stdin("first", "DEL").get("prevResult")).isEqualTo(CniJson.lenientObject(RESULT));
    }

    @Test
    void delOfAnOldListPassesNoResult() throws IOException {
        plugin("first", "");

        chain.del(list("0.3.1", "first"), POD.withoutNetns(), Optional.of(result()));

        assertThat(stdin("first", "DEL").has("prevResult")).isFalse();
    }

    @Test
    void checkRunsInOrderUnlessTheListDisablesIt() throws IOException {
        plugin("first", "");
        plugin("second", "");

        chain.check(list("0.4.0", "first", "second"), POD, result());
        chain.check(
                NetworkConfigList.parse(
                        "{\"cniVersion\":\"1.0.0\",\"name\":\"a\",\"disableCheck\":true,\"plugins\":[{\"type\":\"first\"}]}"),
                POD,
                result());

        assertThat(calls()).containsExactly("CHECK first", "CHECK second");
    }

    @Test
    void checkOfAListBefore04IsIncompatible() {
        CniException error =
                catchThrowableOfType(CniException.class, () -> chain.check(list("0.3.1", "first"), POD, result()));

        assertThat(error.code()).isEqualTo(ErrorCode.INCOMPATIBLE_VERSION);
    }

    @Test
    void gcTellsAllPluginsWhatIsInUseEvenAfterAFailure() throws IOException {
        plugin("first", "echo '{\"code\":100,\"msg\":\"locked\"}'; exit 1");
        plugin("second", "");

        CniException error = catchThrowableOfType(
                CniException.class,
                () -> chain.gc(list("1.1.0", "first", "second"), List.of(new Attachment("c1", "eth0"))));

        assertThat(error).hasMessageContaining("plugin first failed (GC): locked");
        assertThat(calls()).containsExactly("GC first", "GC second");
        PluginConfig config = PluginConfig.parse(CniJson.bytes(stdin("second", "GC")));
        assertThat(config.validAttachments().orElseThrow()).containsExactly(new Attachment("c1", "eth0"));
    }

    @Test
    void gcAndStatusAreNotAskedOfListsBefore11() throws IOException {
        plugin("first", "");

        chain.gc(list("1.0.0", "first"), List.of());
        chain.status(list("1.0.0", "first"));
        chain.gc(
                NetworkConfigList.parse(
                        "{\"cniVersion\":\"1.1.0\",\"name\":\"a\",\"disableGC\":true,\"plugins\":[{\"type\":\"first\"}]}"),
                List.of());

        assertThat(calls()).isEmpty();
    }

    @Test
    void statusKeepsTheCodeOfThePluginThatIsNotReady() throws IOException {
        plugin("first", "");
        plugin(
                "second",
                "echo '{\"cniVersion\":\"1.1.0\",\"code\":50,\"msg\":\"no agent\",\"details\":\"wait\"}'; exit 1");

        CniException error =
                catchThrowableOfType(CniException.class, () -> chain.status(list("1.1.0", "first", "second")));

        assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_NOT_AVAILABLE);
        assertThat(error).hasMessage("plugin second failed (STATUS): no agent");
        assertThat(error.details()).isEqualTo("wait");
    }

    @Test
    void aPluginThatDoesNotKnowVersionIsOf010() throws IOException {
        plugin("first", "echo '{\"code\":4,\"msg\":\"unknown CNI_COMMAND: VERSION\"}'; exit 1");
        plugin("second", printing("{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"1.0.0\"]}"));

        assertThat(chain.version(list("1.0.0", "first", "second")))
                .containsEntry("first", VersionInfo.ofLegacyPlugin())
                .containsEntry("second", new VersionInfo("1.0.0", List.of("1.0.0")));
    }

    @Test
    void theFirstFailureEndsAdd() throws IOException {
        plugin("first", "echo '{\"code\":7,\"msg\":\"bad subnet\"}'; exit 1");
        plugin("second", printing(RESULT));

        CniException error =
                catchThrowableOfType(CniException.class, () -> chain.add(list("0.4.0", "first", "second"), POD));

        assertThat(error.code()).isEqualTo(7);
        assertThat(error).hasMessage("plugin first failed (ADD): bad subnet");
        assertThat(calls()).containsExactly("ADD first");
    }

    @Test
    void aFailureWithoutErrorObjectSaysWhatThePluginSaid() throws IOException {
        plugin("first", "echo half; echo panic >&2; exit 3");

        CniException error = catchThrowableOfType(CniException.class, () -> chain.add(list("0.4.0", "first"), POD));

        assertThat(error).hasMessage("plugin first failed (ADD): exit code 3 without a CNI error");
        assertThat(error.details()).isEqualTo("stdout: \"half\", stderr: \"panic\"");
    }

    @Test
    void garbageInsteadOfAResultIsAFailure() throws IOException {
        plugin("first", "echo garbage");
        plugin("second", "");

        assertThat(catchThrowableOfType(CniException.class, () -> chain.add(list("0.4.0", "first"), POD))
                        .code())
                .isEqualTo(ErrorCode.DECODING_FAILURE);
        assertThat(catchThrowableOfType(CniException.class, () -> chain.add(list("0.4.0", "second"), POD)))
                .hasMessage("plugin second succeeded without a result (ADD)");
    }

    @Test
    void aPluginThatIsNotThereIsNamed() {
        assertThat(catchThrowableOfType(CniException.class, () -> chain.add(list("0.4.0", "absent"), POD)))
                .hasMessageContaining("\"absent\"")
                .hasMessageContaining(dir.toString());
    }

    @Test
    void aTypeIsNoPath() {
        assertThat(catchThrowableOfType(CniException.class, () -> chain.add(list("0.4.0", "../bin/sh"), POD))
                        .code())
                .isEqualTo(ErrorCode.INVALID_NETWORK_CONFIG);
    }

    @Test
    @Slow
    void aPluginThatHangsIsKilledWithWhatItStarted() throws IOException {
        plugin(
                "first",
                "/bin/sleep 600 & echo $! > " + dir.resolve("child") + "; echo $$ > " + dir.resolve("self") + "; wait");
        PluginChain impatient = new PluginChain(List.of(dir), Map.of(), Duration.ofMillis(500));

        CniException error = catchThrowableOfType(CniException.class, () -> impatient.add(list("0.4.0", "first"), POD));

        assertThat(error.code()).isEqualTo(ErrorCode.TRY_AGAIN_LATER);
        assertThat(error).hasMessageContaining("no answer within 500 ms");
        assertGone("child");
        assertGone("self");
    }

    @Test
    void aPluginThatDoesNotReadItsConfigurationIsNoProblem() throws IOException {
        script("first", "exec 0<&-; echo '" + RESULT + "'");
        String padding = "x".repeat(500_000);
        NetworkConfigList list = NetworkConfigList.parse("{\"cniVersion\":\"0.4.0\",\"name\":\"a\",\"plugins\":"
                + "[{\"type\":\"first\",\"padding\":\"" + padding + "\"}]}");

        assertThat(chain.add(list, POD).ips()).hasSize(1);
    }

    @Test
    void namesThatTheSpecificationForbidsReachNoPlugin() throws IOException {
        plugin("first", printing(RESULT));

        assertThat(catchThrowableOfType(
                        CniException.class,
                        () -> chain.add(list("0.4.0", "first"), AttachmentParameters.of("../c", "/n", "eth0"))))
                .hasMessageContaining("container ID");
        assertThat(catchThrowableOfType(
                        CniException.class,
                        () -> chain.add(list("0.4.0", "first"), AttachmentParameters.of("c", "/n", "a/b"))))
                .hasMessageContaining("interface name");
        assertThat(calls()).isEmpty();
    }

    private void assertGone(String pidFile) throws IOException {
        long pid = Long.parseLong(Files.readString(dir.resolve(pidFile)).strip());
        Optional<ProcessHandle> process = ProcessHandle.of(pid);
        process.ifPresent(
                handle -> handle.onExit().orTimeout(20, TimeUnit.SECONDS).join());
        assertThat(process.map(ProcessHandle::isAlive).orElse(false)).isFalse();
    }

    private static CniResult result() {
        return CniResult.parse(CniJson.lenientObject(RESULT), SpecVersion.V0_4_0);
    }

    private static NetworkConfigList list(String version, String... types) {
        String plugins =
                Arrays.stream(types).map(type -> "{\"type\":\"" + type + "\"}").collect(Collectors.joining(","));
        return NetworkConfigList.parse(
                "{\"cniVersion\":\"" + version + "\",\"name\":\"pods\",\"plugins\":[" + plugins + "]}");
    }

    private static String printing(String output) {
        return "echo '" + output + "'";
    }

    /** A plugin that notes its call and keeps its standard input, then goes on with the body. */
    private void plugin(String name, String body) throws IOException {
        script(
                name,
                "/bin/cat > " + dir.resolve(name) + ".$CNI_COMMAND.stdin\necho \"$CNI_COMMAND " + name + "\" >> "
                        + dir.resolve("calls") + "\n" + body);
    }

    private void script(String name, String body) throws IOException {
        Path file = dir.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + body + "\n", UTF_8);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    }

    private ObjectNode stdin(String name, String command) throws IOException {
        return CniJson.object(Files.readAllBytes(dir.resolve(name + "." + command + ".stdin")));
    }

    private List<String> calls() throws IOException {
        Path calls = dir.resolve("calls");
        return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
    }
}
