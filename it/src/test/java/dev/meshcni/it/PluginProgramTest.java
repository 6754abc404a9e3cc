// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The plugin's program on hosts that lack what programs usually have: it answers, within its time, and no signal ends
 * it.
 */
@Tag("hostile")
@Timeout(120)
@NeedsRoot("starts the plugin as the runtime does")
class PluginProgramTest {
    private static final Path PLUGIN = Dist.program("istio-cni");
    private static final int MEBIBYTE = 1 << 20;
    private static final int MAX_INPUT = 4 * MEBIBYTE;
    private static final Map<String, String> VERSION = Map.of("CNI_COMMAND", "VERSION");
    private static final String SUPPORTED = "\"supportedVersions\":[\"0.1.0\"";

    private PluginRoot root;

    @BeforeEach
    void makeRoot() throws IOException {
        Machine.needs("ip", "nsenter");
        Dist.needed();
        root = PluginRoot.create();
    }

    @AfterEach
    void removeRoot() {
        if (root != null) {
            root.close();
        }
    }

    @Test
    void itIsOneSmallFileThatNeedsNothing() throws IOException {
        byte[] program = Files.readAllBytes(PLUGIN);

        assertThat(program.length).isLessThan(MEBIBYTE);
        ByteBuffer elf = ByteBuffer.wrap(program).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(elf.getInt(0)).as("ELF (elf(5))").isEqualTo(0x464c457f);
        assertThat(elf.getShort(16)).as("an executable at a fixed address").isEqualTo((short) 2);
        int headers = (int) elf.getLong(32);
        List<Integer> types = new ArrayList<>();
        for (int i = 0; i < elf.getShort(56); i++) {
            types.add(elf.getInt(headers + i * elf.getShort(54)));
        }
        assertThat(types).as("no interpreter, nothing dynamic").doesNotContain(2, 3);
    }

    @Test
    void itAnswersInARootThatHoldsNothingElse() throws IOException {
        PluginRoot.Outcome version = root.call(variables(VERSION), new byte[0]);

        assertThat(version.text()).contains(SUPPORTED);
        assertThat(version.exitCode()).isZero();
        assertThat(CniOutput.check(
                        "ADD",
                        1,
                        root.call(variables(add("shop")), config("", "")).output()))
                .contains(11);
    }

    @Test
    void itAnswersOnAHostOfMuslAndBusybox() throws IOException {
        Machine.needs("busybox");
        Path bin = root.directory("bin", "rwxr-xr-x");
        Files.copy(Path.of("/bin/busybox"), bin.resolve("busybox"));
        Files.createSymbolicLink(bin.resolve("sh"), Path.of("busybox"));
        Files.copy(PLUGIN, bin.resolve("istio-cni"));

        Command.Result version = Command.of(
                        "chroot",
                        root.path().toString(),
                        "/bin/sh",
                        "-c",
                        "echo '{\"cniVersion\":\"0.4.0\"}' | /bin/istio-cni")
                .onlyEnvironment(VERSION)
                .result();

        assertThat(version.out()).startsWith("{\"cniVersion\":\"0.4.0\",\"supportedVersions\"");
        assertThat(version.exitCode()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"<&-, 5", ">&-, -1", "2>&-, 11", "<&- >&- 2>&-, -1", "<&- 2>&-, 5"})
    void closedDescriptorsAreErrorsAtTheMost(String closed, int code) {
        Command.Result result = shell("exec \"$0\" " + closed, add("shop"), config("", ""));

        assertThat(result.exitCode()).isEqualTo(1);
        if (code < 0) {
            assertThat(result.out()).isEmpty();
        } else {
            assertThat(CniOutput.check("ADD", 1, result.out().getBytes(UTF_8))).contains(code);
        }
    }

    /** The socket would otherwise get the number of the output that is closed. */
    @Test
    void whatIsPrintedNeverGoesToTheAgent() throws Exception {
        Path run = root.directory("run", "rwx------");
        try (ServerSocketChannel server = listen(run)) {
            CompletableFuture<Integer> behind = CompletableFuture.supplyAsync(() -> bytesBehindARequest(server));

            Command.Result result = shell("exec \"$0\" >&- 2>&-", add("shop"), config(run.toString(), ""));

            assertThat(result.exitCode()).isEqualTo(1);
            assertThat(behind.get()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "--as=67108864, 11",
        "--as=8388608, 11",
        "--nofile=16, 11",
        "--nofile=3, 11",
        "--fsize=0, 11",
        "--data=67108864, 11",
        "--data=2097152, 11",
        "--data=1048576, 11",
        "--nproc=1, 11",
        "--core=0, 11"
    })
    void limitsOfTheHostAreErrorsAtTheMost(String limit, int code) {
        Command.Result result = shell("exec prlimit " + limit + " \"$0\"", add("shop"), config("", ""));

        assertThat(result.exitCode()).as(result.out() + result.err()).isEqualTo(1);
        assertThat(CniOutput.check("ADD", 1, result.out().getBytes(UTF_8))).contains(code);
    }

    @Test
    void aFullDiskForItsLogChangesNothing() throws IOException {
        Path run = root.directory("run", "rwx------");

        Command.Result result = shell("exec prlimit --fsize=10 \"$0\"", add("shop"), config(run.toString(), ""));

        assertThat(CniOutput.check("ADD", 1, result.out().getBytes(UTF_8))).contains(11);
        assertThat(run.resolve("plugin.log")).hasSize(10);
    }

    @Test
    void anEmptyEnvironmentIsAnError() {
        Command.Result result =
                Command.of("env", "-i", PLUGIN.toString()).input(config("", "")).result();

        assertThat(CniOutput.check("", 1, result.out().getBytes(UTF_8))).contains(4);
    }

    @Test
    void aWorkingDirectoryThatIsGoneDoesNotMatter() throws IOException {
        Path gone = root.directory("gone", "rwx------");

        Command.Result result = Command.of(
                        "sh", "-c", "cd \"$1\" && rmdir \"$1\" && exec \"$0\"", PLUGIN.toString(), gone.toString())
                .onlyEnvironment(VERSION)
                .result();

        assertThat(result.out()).contains(SUPPORTED);
    }

    @Test
    void aReaderThatIsGoneIsNoSignal() {
        Command.Result broken = Command.of(
                        "bash", "-c", "{ sleep 0.3; \"$0\" </dev/null; echo $? >&2; } | :", PLUGIN.toString())
                .onlyEnvironment(Map.of("CNI_COMMAND", "VERSION", "PATH", "/bin:/usr/bin"))
                .result();
        assertThat(broken.err().strip()).isEqualTo("1");
    }

    @Test
    void aReaderThatDoesNotReadIsGivenUp() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(PLUGIN.toString());
        builder.environment().clear();
        builder.environment().putAll(add("kube-system"));
        Process full = builder.start();
        try {
            try (OutputStream stdin = full.getOutputStream()) {
                stdin.write(config("", ",\"prevResult\":{\"x\":\"" + "y".repeat(MEBIBYTE) + "\"}"));
            }
            assertThat(full.waitFor(Duration.ofSeconds(60))).isTrue();
            assertThat(full.exitValue()).isEqualTo(1);
        } finally {
            full.destroyForcibly();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"silent", "slow"})
    void anAgentThatHangsDoesNotKeepDelFromEnding(String how) throws IOException {
        Path run = root.directory("run", "rwx------");
        try (ServerSocketChannel server = listen(run)) {
            Thread.ofVirtual().start(() -> hang(server, how.equals("slow")));
            Map<String, String> del = add("shop");
            del.put("CNI_COMMAND", "DEL");
            long start = System.nanoTime();

            PluginRoot.Outcome outcome = root.call(variables(del), config("/run", ""));

            assertThat(outcome.exitCode()).as(outcome.text()).isZero();
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isBetween(Duration.ofSeconds(4), Duration.ofSeconds(15));
            assertThat(Files.readString(run.resolve("plugin.log"))).contains("no data for 5 s");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            quoteCharacter = '\'',
            value = {
                ",\"prevResult\":{\"x\":[ [], 0]}",
                ",\"prevResult\":{\"x\":[ {\"a\":{}}, 0]}",
                ",\"prevResult\":{\"x\":[ \"\\u00e4\", 0]}",
                ",\"prevResult\":{\"x\":{ \"k%d\":0, \"end\":0}}",
                ",\"prevResult\":{ \"k%d\":0, \"end\":0}",
                ", \"k%d\":0, \"end\":0"
            })
    void inputOfTheGreatestLengthIsTaken(String before, String filler, String after) throws IOException {
        String head = new String(config("", ""), UTF_8).replaceFirst("}$", "") + before;
        StringBuilder json = new StringBuilder(head);
        for (int i = 0; json.length() < MAX_INPUT - 200; i++) {
            json.append(filler.replace("%d", Integer.toString(i)));
        }
        json.append(" ".repeat(MAX_INPUT - json.length() - after.length() - 1))
                .append(after)
                .append('}');
        byte[] input = json.toString().getBytes(UTF_8);
        assertThat(input).hasSize(MAX_INPUT);

        PluginRoot.Outcome passed = root.call(variables(add("kube-system")), input);

        assertThat(passed.exitCode())
                .as(passed.text().substring(0, Math.min(300, passed.text().length())))
                .isZero();
        assertThat(passed.text()).startsWith("{\"cniVersion\":\"1.1.0\"").endsWith("}");
    }

    @Test
    void inputBeyondTheGreatestLengthIsNot() throws IOException {
        PluginRoot.Outcome refused = root.call(variables(add("kube-system")), new byte[MAX_INPUT + 1]);

        assertThat(CniOutput.check("ADD", 1, refused.output())).contains(5);
    }

    @Test
    void nestingIsBounded() throws IOException {
        for (String open : List.of("[", "{\"a\":")) {
            PluginRoot.Outcome refused =
                    root.call(variables(add("kube-system")), config("", ",\"x\":" + open.repeat(500_000)));
            assertThat(CniOutput.check("ADD", 1, refused.output())).contains(6);
        }
    }

    @Test
    void itTakesLittleMemory() throws Exception {
        Path run = root.directory("run", "rwx------");
        try (ServerSocketChannel server = listen(run)) {
            CompletableFuture<String> status = CompletableFuture.supplyAsync(() -> statusOfACaller(server));

            PluginRoot.Outcome outcome = root.call(variables(add("shop")), config("/run", ""));

            assertThat(outcome.exitCode()).as(outcome.text()).isZero();
            long peak = status.get()
                    .lines()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .sum();
            assertThat(peak).as("KiB").isBetween(1L, 2048L);
        }
    }

    private static Command.Result shell(String script, Map<String, String> environment, byte[] input) {
        Map<String, String> all = new LinkedHashMap<>(environment);
        all.put("PATH", "/bin:/usr/bin");
        return Command.of("sh", "-c", script, PLUGIN.toString())
                .onlyEnvironment(all)
                .input(input)
                .result();
    }

    private static Map<String, String> add(String namespace) {
        return new LinkedHashMap<>(Map.of(
                "CNI_COMMAND",
                "ADD",
                "CNI_CONTAINERID",
                "d0d0cafe0123",
                "CNI_NETNS",
                "/run/netns/it",
                "CNI_IFNAME",
                "eth0",
                "CNI_ARGS",
                "IgnoreUnknown=1;K8S_POD_NAMESPACE=" + namespace + ";K8S_POD_NAME=web"));
    }

    private static byte[] config(String runDirectory, String more) {
        String directory = runDirectory.isEmpty() ? "/nowhere/of/it" : runDirectory;
        return ("{\"cniVersion\":\"1.1.0\",\"name\":\"it\",\"exclude_namespaces\":[\"kube-system\"],\"cni_agent_run_dir\":\""
                        + directory + "\"" + more + "}")
                .getBytes(UTF_8);
    }

    private static byte[][] variables(Map<String, String> environment) {
        return environment.entrySet().stream()
                .map(variable -> (variable.getKey() + "=" + variable.getValue()).getBytes(UTF_8))
                .toArray(byte[][]::new);
    }

    private static ServerSocketChannel listen(Path run) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        return server.bind(UnixDomainSocketAddress.of(run.resolve("agent.sock")));
    }

    private static void hang(ServerSocketChannel server, boolean slow) {
        try (SocketChannel plugin = server.accept()) {
            ByteBuffer reply = reply("x".repeat(100));
            for (int i = 0; i < 20; i++) {
                if (slow) {
                    plugin.write(reply.slice(i, 1));
                }
                Thread.sleep(1000);
            }
        } catch (IOException | InterruptedException e) {
            System.getLogger(PluginProgramTest.class.getName()).log(System.Logger.Level.DEBUG, "it has gone", e);
        }
    }

    /** Answers a request with success and some output; how many bytes come after that. */
    private static int bytesBehindARequest(ServerSocketChannel server) {
        try (SocketChannel plugin = server.accept()) {
            ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
            plugin.read(buffer);
            plugin.write(reply("{}"));
            buffer.clear();
            return Math.max(0, plugin.read(buffer));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The status of the process that asks, before it is answered (proc(5)). */
    private String statusOfACaller(ServerSocketChannel server) {
        try (SocketChannel plugin = server.accept()) {
            plugin.read(ByteBuffer.allocate(64 * 1024));
            String program = root.path().resolve("istio-cni").toString();
            ProcessHandle process = ProcessHandle.allProcesses()
                    .filter(candidate -> candidate.info().command().orElse("").equals(program))
                    .findFirst()
                    .orElseThrow();
            String status = Files.readString(Path.of("/proc/" + process.pid() + "/status"));
            plugin.write(reply("{}"));
            return status;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ByteBuffer reply(String output) {
        byte[] bytes = output.getBytes(UTF_8);
        return ByteBuffer.allocate(10 + bytes.length)
                .putInt(0x6d63_6e69)
                .put((byte) 1)
                .put((byte) 0)
                .putInt(bytes.length)
                .put(bytes)
                .flip();
    }
}
