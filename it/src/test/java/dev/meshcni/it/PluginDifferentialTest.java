// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.plugin.JvmHost;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The program, and the same classes on this JVM: called in the same way, by whomever, they print the same, end with the
 * same exit code, and have sent the agent the same bytes.
 */
@Tag("hostile")
@Timeout(900)
@Slow
@NeedsRoot("starts the plugin as the runtime does")
class PluginDifferentialTest {
    private static final int CALLS = 20_000;
    private static final int CALLS_FOR_A_LOG = 500;
    private static final List<String> RUN_DIRECTORIES = List.of(
            "/run",
            "/run",
            "/run",
            "/run/",
            "//run/./",
            "/link",
            "/up",
            "/none",
            "/none/run",
            "/loop",
            "/open",
            "/foreign",
            "/sticky/run",
            "/file",
            "run",
            "",
            ".",
            "/run/../run",
            "/istio-cni/x",
            "/" + "d/".repeat(60),
            "/" + "n".repeat(300),
            "/\u00e4",
            "/run\u0000x");
    private static final List<String> FIELDS = List.of(
            "\"exclude_namespaces\":[\"shop\"]",
            "\"exclude_namespaces\":[\"kube-system\",\"sh\\u006fp\"]",
            "\"exclude_namespaces\":\"shop\"",
            "\"pod_namespace\":\"shop\"",
            "\"plugin_log_level\":\"debug\"",
            "\"plugin_log_level\":\"none\"",
            "\"x\":1e99999999999",
            "\"a\":{\"b\":1,\"b\":2}");
    private static final List<String> VERSIONS = List.of("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0");

    private PluginRoot root;
    private ScriptedAgent agent;
    private Path log;
    private List<Path> atFirst;

    @BeforeEach
    void makeRoot() throws IOException {
        Machine.needs("ip", "nsenter");
        Dist.needed();
        root = PluginRoot.create();
        Path run = root.directory("run", "rwx------");
        log = run.resolve("plugin.log");
        agent = ScriptedAgent.listen(run.resolve("agent.sock"));
        Path sticky = root.directory("sticky", "rwxrwxrwx");
        Files.createSymbolicLink(sticky.resolve("run"), Path.of("/run"));
        Files.setAttribute(sticky, "unix:mode", 01777);
        root.directory("open", "rwxrwxrwx");
        Files.setAttribute(root.directory("foreign", "rwx------"), "unix:uid", 1000);
        Files.createSymbolicLink(root.path().resolve("link"), Path.of("/run"));
        Files.createSymbolicLink(root.path().resolve("up"), Path.of("../../run"));
        Files.createSymbolicLink(root.path().resolve("loop"), Path.of("loop"));
        Files.writeString(root.path().resolve("file"), "");
        atFirst = entries();
    }

    @AfterEach
    void removeRoot() throws IOException {
        if (agent != null) {
            agent.close();
        }
        if (root != null) {
            root.close();
        }
    }

    @Test
    void theProgramAndItsClassesOnAJvmDoTheSame() throws IOException {
        long first = new Random().nextLong();
        int asked = 0;
        for (int i = 0; i < CALLS; i++) {
            asked += compare(first + i) ? 1 : 0;
            if (i % CALLS_FOR_A_LOG == 0) {
                Files.deleteIfExists(log);
            }
        }
        assertThat(asked).as("calls that reached the agent").isBetween(CALLS / 10, CALLS - CALLS / 10);
    }

    /** Whether the agent was asked. */
    private boolean compare(long seed) throws IOException {
        Random random = new Random(seed);
        PluginCall call = call(random, seed);
        byte[][] variables = variables(call.environment(), random);
        agent.answer(answer(random));
        JvmHost jvm = new JvmHost(variables, call.input(), root.path().toString());

        int exitCode = jvm.run();
        List<byte[]> sent = agent.received();
        forgetWhatWasMade();
        PluginRoot.Outcome program = root.call(variables, call.input());
        List<byte[]> sentByProgram = agent.received();
        forgetWhatWasMade();

        String what = "seed " + seed + ": " + call;
        assertThat(program.text()).as(what).isEqualTo(new String(jvm.output(), UTF_8));
        assertThat(program.output()).as(what).isEqualTo(jvm.output());
        assertThat(program.exitCode()).as(what).isEqualTo(exitCode);
        assertThat(sentByProgram).as(what).hasSameSizeAs(sent);
        for (int i = 0; i < sent.size(); i++) {
            assertThat(sentByProgram.get(i)).as(what).isEqualTo(sent.get(i));
        }
        return !sent.isEmpty();
    }

    /** An ADD makes a run directory that is missing. */
    private void forgetWhatWasMade() throws IOException {
        List<Path> made = entries();
        made.removeAll(atFirst);
        made.forEach(HostState::removeTree);
    }

    private List<Path> entries() throws IOException {
        try (Stream<Path> entries = Files.list(root.path())) {
            return new ArrayList<>(entries.toList());
        }
    }

    private static PluginCall call(Random random, long seed) {
        CallMutator mutator = new CallMutator(seed);
        List<String> fields =
                new ArrayList<>(List.of("\"cniVersion\":\"" + any(VERSIONS, random) + "\"", "\"name\":\"it\""));
        fields.add("\"cni_agent_run_dir\":\"" + escaped(any(RUN_DIRECTORIES, random)) + "\"");
        for (int more = random.nextInt(3); more > 0; more--) {
            fields.add(any(FIELDS, random));
        }
        if (random.nextBoolean()) {
            fields.add("\"prevResult\":" + previous(random));
        }
        PluginCall call = new PluginCall(
                Map.of(
                        "CNI_COMMAND",
                        mutator.command(),
                        "CNI_CONTAINERID",
                        "d0d0cafe0123",
                        "CNI_NETNS",
                        "/run/netns/it",
                        "CNI_IFNAME",
                        "eth0",
                        "CNI_PATH",
                        "/opt/cni/bin",
                        "CNI_ARGS",
                        random.nextInt(4) == 0 ? "" : "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web"),
                ("{" + String.join(",", fields) + "}").getBytes(UTF_8));
        return random.nextInt(3) == 0 ? call : mutator.spoil(call);
    }

    private static String previous(Random random) {
        return "{\"cniVersion\":\"" + any(VERSIONS, random) + "\",\"interfaces\":[{\"name\":\"eth0\",\"mtu\":1500}],"
                + "\"ips\":[{\"address\":\"10.1.0.5/24\",\"interface\":0},{\"address\":\"fd00::5/64\"}],"
                + "\"ip4\":{\"ip\":\"10.1.0.5/24\"},\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"10.1.0.1\"}]}";
    }

    private static String escaped(String text) {
        return text.replace("\u0000", "\\u0000");
    }

    /** With bytes that are no text now and then, variables that are there twice, and ones that are none. */
    private static byte[][] variables(Map<String, String> environment, Random random) {
        List<byte[]> variables = new ArrayList<>();
        environment.forEach((name, value) -> variables.add((name + "=" + value.replace("\u0000", "")).getBytes(UTF_8)));
        variables.add("PATH=/bin".getBytes(UTF_8));
        if (random.nextInt(5) == 0) {
            byte[] spoilt = variables.get(random.nextInt(variables.size()));
            for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
                spoilt[random.nextInt(spoilt.length)] = (byte) (0x80 + random.nextInt(0x80));
            }
        }
        if (random.nextInt(5) == 0) {
            variables.add(random.nextInt(variables.size()), "CNI_COMMAND=STATUS".getBytes(UTF_8));
            variables.add(random.nextInt(variables.size()), "CNI_WITHOUT_VALUE".getBytes(UTF_8));
        }
        return variables.toArray(byte[][]::new);
    }

    /** An agent's answer, or what pretends to be one. */
    private static byte[] answer(Random random) {
        byte[] output = new byte[random.nextInt(3) == 0 ? 0 : random.nextInt(300)];
        random.nextBytes(output);
        byte[] frame = ByteBuffer.allocate(10 + output.length)
                .putInt(0x6d63_6e69)
                .put((byte) 1)
                .put((byte) random.nextInt(256))
                .putInt(output.length)
                .put(output)
                .array();
        return switch (random.nextInt(6)) {
            case 0 -> Arrays.copyOf(frame, random.nextInt(frame.length));
            case 1 -> {
                frame[random.nextInt(10)] ^= (byte) (1 + random.nextInt(255));
                yield frame;
            }
            case 2 -> Arrays.copyOf(frame, frame.length + random.nextInt(20));
            default -> frame;
        };
    }

    private static <T> T any(List<T> list, Random random) {
        return list.get(random.nextInt(list.size()));
    }
}
