// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A plugin on {@link CniPlugin#run}: what it prints for each call, and how it ends. */
class CniPluginTest {
    private final List<String> calls = new ArrayList<>();
    private Work add =
            request -> CniResult.of(List.of(), List.of(CniResult.Ip.of(IpNet.parse("10.1.2.3/24"), 0)), List.of());
    private List<SpecVersion> versions = SpecVersion.all();
    private String about = "";
    private int exitCode;

    /** What ADD does. */
    private interface Work {
        CniResult add(CniRequest request) throws Exception;
    }

    private final CniPlugin plugin = new CniPlugin() {
        @Override
        public CniResult add(CniRequest request) throws Exception {
            calls.add("add " + request.environment().containerId());
            return add.add(request);
        }

        @Override
        public void del(CniRequest request) {
            calls.add("del " + request.environment().containerId());
        }

        @Override
        public void check(CniRequest request) {
            calls.add("check");
        }

        @Override
        public void gc(CniRequest request) {
            calls.add("gc");
        }

        @Override
        public void status(CniRequest request) {
            throw new CniException(ErrorCode.PLUGIN_NOT_AVAILABLE, "no addresses left", "");
        }

        @Override
        public List<SpecVersion> versions() {
            return versions;
        }

        @Override
        public String about() {
            return about;
        }
    };

    @ParameterizedTest
    @EnumSource(SpecVersion.class)
    void theResultHasTheShapeOfTheVersionThatIsAsked(SpecVersion version) {
        assertThat(call("ADD", config(version.text())))
                .isEqualTo(CniJson.compact(CniResult.of(
                                        List.of(), List.of(CniResult.Ip.of(IpNet.parse("10.1.2.3/24"), 0)), List.of())
                                .toJson(version))
                        + "\n");
        assertThat(exitCode).isZero();
        assertThat(calls).containsExactly("add c1");
    }

    @Test
    void verbsWithoutAnAnswerPrintNothing() {
        assertThat(call("DEL", config("0.3.1"))).isEmpty();
        assertThat(call("CHECK", config("0.4.0"))).isEmpty();
        assertThat(call("GC", config("1.1.0"))).isEmpty();

        assertThat(calls).containsExactly("del c1", "check", "gc");
        assertThat(exitCode).isZero();
    }

    @Test
    void aFailureHasItsCodeInTheVersionOfTheCall() {
        assertThat(call("STATUS", config("1.1.0")))
                .isEqualTo("{\"cniVersion\":\"1.1.0\",\"code\":50,\"msg\":\"no addresses left\"}\n");
        assertThat(exitCode).isEqualTo(1);

        add = ignored -> {
            throw new CniException(117, "bridge is down", "ip link set br0 up");
        };
        assertThat(call("ADD", config("0.3.1")))
                .isEqualTo("{\"cniVersion\":\"0.3.1\",\"code\":117,\"msg\":\"bridge is down\","
                        + "\"details\":\"ip link set br0 up\"}\n");
        assertThat(exitCode).isEqualTo(1);
    }

    @Test
    void whateverElseIsThrownIsAnErrorObjectToo() {
        add = ignored -> {
            throw new IOException("/var/lib/pool: No space left on device");
        };
        assertThat(call("ADD", config("0.4.0")))
                .isEqualTo(
                        "{\"cniVersion\":\"0.4.0\",\"code\":5,\"msg\":\"/var/lib/pool: No space left on device\"}\n");

        add = ignored -> {
            throw new IllegalStateException("no pool");
        };
        assertThat(call("ADD", config("1.0.0")))
                .isEqualTo("{\"cniVersion\":\"1.0.0\",\"code\":999,\"msg\":\"internal error of the plugin\","
                        + "\"details\":\"java.lang.IllegalStateException: no pool\"}\n");

        add = ignored -> {
            throw new StackOverflowError();
        };
        assertThat(call("ADD", config("1.0.0"))).contains("\"code\":999", "StackOverflowError");
        assertThat(exitCode).isEqualTo(1);
    }

    @Test
    void aResultThatItsVersionCannotSayIsAnError() {
        add = ignored -> CniResult.EMPTY;

        assertThat(call("ADD", config("0.2.0"))).contains("\"cniVersion\":\"0.2.0\"", "\"code\":1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "{", "[]", "{\"cniVersion\":\"1.0.0\"}", "{\"name\":\"pods\",\"cniVersion\":\"9.9.9\"}"})
    void aCallThatIsWrongNeverReachesThePlugin(String config) {
        assertThat(call("ADD", config)).startsWith("{\"cniVersion\":\"1.").contains("\"code\":");
        assertThat(exitCode).isEqualTo(1);
        assertThat(calls).isEmpty();
    }

    @Test
    void aVersionThatThePluginDoesNotHaveIsRefusedAndNamesThoseThatItHas() {
        versions = List.of(SpecVersion.V1_0_0, SpecVersion.V1_1_0);

        assertThat(call("ADD", config("0.4.0")))
                .isEqualTo("{\"cniVersion\":\"0.4.0\",\"code\":1,\"msg\":\"incompatible CNI version 0.4.0\","
                        + "\"details\":\"the plugin supports 1.0.0, 1.1.0\"}\n");
        assertThat(call("VERSION", "{\"cniVersion\":\"0.4.0\"}"))
                .isEqualTo("{\"cniVersion\":\"0.4.0\",\"supportedVersions\":[\"1.0.0\",\"1.1.0\"]}\n");
        assertThat(exitCode).isZero();
    }

    @Test
    void anAnswerThatCannotBePrintedIsAFailure() {
        PrintStream full = new PrintStream(
                new OutputStream() {
                    @Override
                    public void write(int octet) throws IOException {
                        throw new IOException("No space left on device");
                    }
                },
                true,
                UTF_8);

        assertThat(CniPlugin.run(plugin, environment("ADD"), stdin(config("1.0.0")), full))
                .isEqualTo(1);
    }

    @Test
    void whoeverStartsItByHandReadsWhatItIs() {
        assertThat(call("", config("1.0.0"))).contains("required environment variables missing: CNI_COMMAND");
        assertThat(exitCode).isEqualTo(1);

        about = "addresses from a pool";
        assertThat(call("", config("1.0.0"))).isEmpty();
        assertThat(exitCode).isZero();
    }

    private String call(String command, String config) {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        exitCode = CniPlugin.run(plugin, environment(command), stdin(config), new PrintStream(printed, true, UTF_8));
        return printed.toString(UTF_8);
    }

    private static Map<String, String> environment(String command) {
        return Map.of(
                "CNI_COMMAND", command,
                "CNI_CONTAINERID", "c1",
                "CNI_NETNS", "/run/netns/a",
                "CNI_IFNAME", "eth0",
                "CNI_PATH", "/opt/cni/bin");
    }

    private static InputStream stdin(String config) {
        return new ByteArrayInputStream(config.getBytes(UTF_8));
    }

    private static String config(String version) {
        return "{\"cniVersion\":\"" + version + "\",\"name\":\"pods\",\"type\":\"pool\"}";
    }
}
