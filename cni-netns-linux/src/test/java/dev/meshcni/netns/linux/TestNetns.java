// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.testkit.Lane;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A network namespace of a test's own, made by {@code ip netns} and removed when the test closes it. */
final class TestNetns implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final String name;

    TestNetns() {
        Lane.requireRoot();
        this.name = "meshcni-t" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
        run("ip", "netns", "add", name);
        exec("ip", "link", "set", "lo", "up");
    }

    String name() {
        return name;
    }

    Path path() {
        return Path.of("/var/run/netns", name);
    }

    /** Runs a program inside; its output. */
    String exec(String... command) {
        return run(Stream.concat(Stream.of("ip", "netns", "exec", name), Stream.of(command))
                .toArray(String[]::new));
    }

    /** Runs a shell command inside; its output. */
    String shell(String command) {
        return exec("sh", "-c", command);
    }

    /** All that a backend may change here, in the words of the tools that show it. */
    String state() {
        String rules = Stream.of("iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy")
                .map(tool -> tool + "\n" + rules(exec(tool + "-save")))
                .collect(Collectors.joining());
        return rules
                + shell("nft list tables | sort")
                + shell("ip addr; ip rule; ip -6 rule")
                + shell("ip route show table all; ip -6 route show table all");
    }

    /** Without comments, counters, and tables that hold nothing: the legacy variant cannot unmake those. */
    private static String rules(String saved) {
        List<String> kept = new ArrayList<>();
        for (String line : saved.lines().filter(l -> !l.startsWith("#")).toList()) {
            if (line.equals("COMMIT") && kept.getLast().startsWith("*")) {
                kept.removeLast();
            } else if (!line.matches(":\\S+ ACCEPT .*")) {
                kept.add(line.replaceFirst(" \\[[0-9:]+]$", ""));
            }
        }
        return String.join("\n", kept) + "\n";
    }

    @Override
    public void close() {
        run("ip", "netns", "delete", name);
    }

    static String run(String... command) {
        Path output = null;
        try {
            output = Files.createTempFile("meshcni", ".out");
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            int status = process.waitFor();
            String text = Files.readString(output, StandardCharsets.UTF_8);
            if (status != 0) {
                throw new AssertionError(String.join(" ", command) + " failed: " + text);
            }
            return text;
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            delete(output);
        }
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
