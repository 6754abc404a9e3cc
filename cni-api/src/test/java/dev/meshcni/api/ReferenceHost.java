// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.api.exec.AttachmentParameters;
import dev.meshcni.api.exec.PluginChain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A host and a pod, each a network namespace, with the reference plugins and plugins in Java beside them. What a plugin
 * does to "the host" happens in the host's namespace: its program is started inside it.
 */
final class ReferenceHost implements AutoCloseable {
    private static final Path PLUGINS = Path.of("/usr/lib/cni");
    private static final Map<String, String> TOOLS = Map.of("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");

    private final Path bin;
    private final String host;
    private final String pod;
    private final PluginChain chain;

    private ReferenceHost(Path bin, String host, String pod) {
        this.bin = bin;
        this.host = host;
        this.pod = pod;
        this.chain = new PluginChain(List.of(bin), TOOLS, Duration.ofSeconds(30));
    }

    /** Makes both namespaces; skips the test where the reference plugins are not installed. */
    static ReferenceHost create(Path state) throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(PLUGINS.resolve("ptp")), "needs the reference plugins in " + PLUGINS);
        String suffix = ProcessHandle.current().pid() + "-" + System.nanoTime() % 1_000_000;
        ReferenceHost made = new ReferenceHost(
                Files.createDirectory(state.resolve("bin")), "cniref-h" + suffix, "cniref-p" + suffix);
        run("ip", "netns", "add", made.host);
        run("ip", "netns", "add", made.pod);
        for (String plugin : List.of("ptp", "bridge", "portmap", "tuning", "loopback", "host-local")) {
            made.script(plugin, PLUGINS.resolve(plugin).toString());
        }
        return made;
    }

    /** Installs a plugin in Java under a name. */
    void install(String type, Class<? extends CniPlugin> plugin, Path... arguments) throws IOException {
        script(
                type,
                PageCode.program("java") + " -XX:TieredStopAtLevel=1 -cp '" + PageCode.classes() + "' "
                        + plugin.getName() + " "
                        + String.join(
                                " ",
                                Arrays.stream(arguments).map(Path::toString).toList()));
    }

    private void script(String type, String program) throws IOException {
        Path script = bin.resolve(type);
        Files.writeString(script, "#!/bin/sh\nexec ip netns exec " + host + " " + program + "\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
    }

    PluginChain chain() {
        return chain;
    }

    AttachmentParameters attachment(String containerId, String ifName) {
        return AttachmentParameters.of(containerId, netns().toString(), ifName);
    }

    Path netns() {
        return Path.of("/run/netns", pod);
    }

    String onHost(String... command) throws IOException, InterruptedException {
        return inside(host, command);
    }

    String inPod(String... command) throws IOException, InterruptedException {
        return inside(pod, command);
    }

    private static String inside(String namespace, String... command) throws IOException, InterruptedException {
        String[] all = new String[command.length + 4];
        System.arraycopy(new String[] {"ip", "netns", "exec", namespace}, 0, all, 0, 4);
        System.arraycopy(command, 0, all, 4, command.length);
        return run(all);
    }

    /** Runs a program that has to succeed, and returns what it prints. */
    static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue())
                .as("%s: %s", Arrays.toString(command), output)
                .isZero();
        return output;
    }

    /** What a plugin itself prints and how it ends, without anything of ours in between. */
    Raw raw(String type, String command, String ifName, String config) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(bin.resolve(type).toString());
        builder.environment().clear();
        builder.environment().putAll(TOOLS);
        builder.environment()
                .putAll(Map.of(
                        "CNI_COMMAND",
                        command,
                        "CNI_CONTAINERID",
                        "raw",
                        "CNI_NETNS",
                        netns().toString(),
                        "CNI_IFNAME",
                        ifName,
                        "CNI_PATH",
                        bin.toString()));
        Process process = builder.start();
        process.getOutputStream().write(config.getBytes(UTF_8));
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return new Raw(process.exitValue(), output);
    }

    /** How a program has ended, and what it has printed. */
    record Raw(int exitCode, String out) {}

    @Override
    public void close() {
        for (String namespace : List.of(pod, host)) {
            try {
                run("ip", "netns", "del", namespace);
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException("cannot remove network namespace " + namespace, e);
            }
        }
    }
}
