// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.testkit.Lane;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * A network namespace like a pod's, with an interface that leads nowhere, and gone when it is closed. Commands run in
 * it as processes of their own, since a namespace belongs to a thread and the command line uses that of its process.
 */
final class PodNetns implements AutoCloseable {
    /** Runs a command without any capability, as in an ordinary container. */
    static final List<String> WITHOUT_CAPABILITIES = List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all");

    /** Runs a command with the capabilities of Istio's init container. */
    static final List<String> AS_INIT_CONTAINER =
            List.of("setpriv", "--bounding-set=-all,+net_admin,+net_raw", "--inh-caps=-all");

    private final String name;

    private PodNetns(String name) {
        this.name = name;
    }

    /** Makes a namespace with the addresses. */
    static PodNetns create(String... addresses) {
        Lane.requireRoot();
        byte[] unique = new byte[5];
        ThreadLocalRandom.current().nextBytes(unique);
        PodNetns netns = new PodNetns("cli-" + HexFormat.of().formatHex(unique));
        run(List.of("ip", "netns", "add", netns.name));
        try {
            netns.ip("link set lo up");
            netns.ip("link add eth0 type veth peer name peer0");
            netns.ip("link set peer0 up");
            netns.ip("link set eth0 up");
            for (String address : addresses) {
                netns.ip("address add " + address + " dev eth0" + (address.contains(":") ? " nodad" : ""));
            }
            return netns;
        } catch (RuntimeException e) {
            netns.close();
            throw e;
        }
    }

    /** The file that stands for it. */
    Path path() {
        return Path.of("/run/netns", name);
    }

    /** Runs {@code meshcni} in it, as root with all capabilities. */
    Run meshcni(String... arguments) {
        return meshcniUnder(List.of(), arguments);
    }

    /** Runs {@code meshcni} in it, started by a program that limits it. */
    Run meshcniUnder(List<String> limits, String... arguments) {
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", name));
        command.addAll(limits);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--enable-native-access=com.sun.jna",
                "--add-modules=ALL-MODULE-PATH",
                "--module-path=" + System.getProperty("jdk.module.path"),
                "--class-path=" + System.getProperty("java.class.path"),
                "--module",
                "dev.meshcni.cli/dev.meshcni.cli.Meshcni"));
        command.addAll(List.of(arguments));
        return run(command);
    }

    /** Runs a program in it that has to succeed, and returns its output. */
    String exec(String program, String... arguments) {
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", name, program));
        command.addAll(List.of(arguments));
        Run run = run(command);
        if (run.exitCode() != 0) {
            throw new IllegalStateException(command + " failed: " + run.err());
        }
        return run.out();
    }

    @Override
    public void close() {
        run(List.of("ip", "netns", "delete", name));
    }

    private void ip(String arguments) {
        Run run = run(List.of(("ip -netns " + name + " " + arguments).split(" ", -1)));
        if (run.exitCode() != 0) {
            throw new IllegalStateException("ip " + arguments + " failed: " + run.err());
        }
    }

    private static Run run(List<String> command) {
        try {
            File out = File.createTempFile("out", "");
            File err = File.createTempFile("err", "");
            try {
                Process process = new ProcessBuilder(command)
                        .redirectOutput(out)
                        .redirectError(err)
                        .start();
                if (!process.waitFor(60, TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    throw new IllegalStateException(command + " does not end");
                }
                return new Run(
                        process.exitValue(),
                        Files.readString(out.toPath(), UTF_8),
                        Files.readString(err.toPath(), UTF_8));
            } finally {
                Files.delete(out.toPath());
                Files.delete(err.toPath());
            }
        } catch (IOException e) {
            throw new IllegalStateException(command + " cannot be started", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
