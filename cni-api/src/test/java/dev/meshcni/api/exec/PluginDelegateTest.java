// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.exec;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniRequest;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a plugin's delegate, a shell script, is called with, and what comes of its answer. */
class PluginDelegateTest {
    private static final String RESULT = "{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.1.1.2/24\"}]}";

    @TempDir
    private Path dir;

    @Test
    void itGetsTheCallAndTheWholeConfiguration() throws IOException {
        delegate("printf '%s' '" + RESULT + "'");

        CniResult result = PluginDelegate.ipam(request("ADD")).add();

        assertThat(result.withIpsOn(0).ips())
                .singleElement()
                .satisfies(ip -> assertThat(ip.interfaceIndex()).hasValue(0));
        assertThat(Files.readAllLines(dir.resolve("env.ADD")))
                .contains(
                        "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAME=web-0",
                        "CNI_CONTAINERID=c1",
                        "CNI_IFNAME=eth0",
                        "CNI_NETNS=/run/netns/a",
                        "CNI_PATH=" + dir.resolve("none") + ":" + dir,
                        "PATH=" + System.getenv("PATH"));
        assertThat(CniJson.lenientObject(Files.readString(dir.resolve("stdin.ADD"))))
                .isEqualTo(CniJson.lenientObject(config()));
    }

    @Test
    void itsFailureIsThatOfTheCallerWithItsCode() throws IOException {
        delegate("printf '%s' '{\"code\":11,\"msg\":\"no addresses left\",\"details\":\"in 10.1.1.0/24\"}'; exit 1");

        CniException failure = catchThrowableOfType(
                CniException.class, () -> PluginDelegate.ipam(request("ADD")).add());

        assertThat(failure).hasMessage("delegated plugin pool failed (ADD): no addresses left");
        assertThat(failure.code()).isEqualTo(ErrorCode.TRY_AGAIN_LATER);
        assertThat(failure.details()).isEqualTo("in 10.1.1.0/24");
    }

    @Test
    void whatItGaveIsTakenBackWhenTheCallerFails() throws IOException {
        delegate("[ $CNI_COMMAND = DEL ] || printf '%s' '" + RESULT + "'");

        IllegalStateException failure = catchThrowableOfType(
                IllegalStateException.class,
                () -> PluginDelegate.ipam(request("ADD")).addThen(ignored -> {
                    throw new IllegalStateException("cannot make the bridge");
                }));

        assertThat(failure).hasMessage("cannot make the bridge").hasNoSuppressedExceptions();
        assertThat(dir.resolve("env.DEL")).content().contains("CNI_CONTAINERID=c1");
    }

    @Test
    void aFailureOfThatIsNotLostAndHidesNothing() throws IOException {
        delegate("[ $CNI_COMMAND = ADD ] && printf '%s' '" + RESULT + "'");

        IllegalStateException failure = catchThrowableOfType(
                IllegalStateException.class,
                () -> PluginDelegate.ipam(request("ADD")).addThen(ignored -> {
                    throw new IllegalStateException("cannot make the bridge");
                }));

        assertThat(failure.getSuppressed())
                .singleElement()
                .satisfies(undo -> assertThat(undo).hasMessageContaining("delegated plugin pool failed (DEL)"));
    }

    @Test
    void theDelegateOfADelIsFoundAsThatOfAnAdd() throws IOException {
        delegate("");

        PluginDelegate.of(request("DEL"), "pool").del();

        assertThat(dir.resolve("env.DEL")).exists();
    }

    @Test
    void aConfigurationOfItsOwnHasTheNetworksNameAndVersion() throws IOException {
        delegate("");

        PluginDelegate.of(request("DEL"), "pool")
                .withConfig(CniJson.newObject().put("type", "pool").put("range", "small"))
                .del();

        assertThat(CniJson.lenientObject(Files.readString(dir.resolve("stdin.DEL"))))
                .isEqualTo(CniJson.lenientObject(
                        "{\"type\":\"pool\",\"range\":\"small\",\"name\":\"pods\",\"cniVersion\":\"1.0.0\"}"));
    }

    @Test
    void oneThatIsNotThereOrHangsOrIsNotNamedIsAnError() throws IOException {
        CniException missing = catchThrowableOfType(
                CniException.class,
                () -> PluginDelegate.of(request("ADD"), "absent").add());
        assertThat(missing).hasMessageContaining("no plugin \"absent\" in");
        assertThat(missing.details()).isEqualTo("no directory " + dir.resolve("none"));

        delegate("exec sleep 30");
        CniException late = catchThrowableOfType(
                CniException.class,
                () -> PluginDelegate.of(request("ADD"), "pool")
                        .withTimeout(Duration.ofMillis(200))
                        .add());
        assertThat(late).hasMessageContaining("no answer within 200 ms");

        CniRequest unnamed = CniRequest.parse(
                environment("ADD"), "{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"type\":\"net\"}".getBytes(UTF_8));
        CniException nobody = catchThrowableOfType(CniException.class, () -> PluginDelegate.ipam(unnamed));
        assertThat(nobody).hasMessage("missing field ipam.type");
    }

    private void delegate(String answer) throws IOException {
        Path plugin = dir.resolve("pool");
        Files.writeString(
                plugin,
                "#!/bin/sh\nenv > " + dir + "/env.$CNI_COMMAND\ncat > " + dir + "/stdin.$CNI_COMMAND\n" + answer
                        + "\n");
        Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private CniRequest request(String command) {
        return CniRequest.parse(environment(command), config().getBytes(UTF_8));
    }

    private Map<String, String> environment(String command) {
        return Map.of(
                "CNI_COMMAND", command,
                "CNI_CONTAINERID", "c1",
                "CNI_NETNS", "/run/netns/a",
                "CNI_IFNAME", "eth0",
                "CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAME=web-0",
                "CNI_PATH", dir.resolve("none") + ":" + dir);
    }

    private static String config() {
        return "{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"type\":\"net\",\"ipam\":{\"type\":\"pool\",\"kept\":[1]}}";
    }
}
