// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.enrolment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.libc.FileKey;
import dev.meshcni.libc.SharedDescriptor;
import dev.meshcni.netns.linux.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** A network namespace of a test's own, with an address, and the listeners that ztunnel would have there. */
final class TestPodNetns implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final String name = "meshcni-e" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
    private final String address;
    private final List<ServerSocket> listeners;

    /** @param address the pod's; empty for the host's namespace */
    TestPodNetns(String address) {
        this.address = address;
        run("ip", "netns", "add", name);
        run("ip", "-n", name, "link", "set", "lo", "up");
        if (!address.isEmpty()) {
            run("ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "host0");
            run("ip", "-n", name, "address", "add", address + "/24", "dev", "eth0");
        }
        listeners = address.isEmpty() ? List.of() : listen();
    }

    Path path() {
        return Path.of("/run/netns", name);
    }

    String address() {
        return address;
    }

    FileKey key() {
        try (SharedDescriptor opened = SharedDescriptor.ofNamespace(path())) {
            return opened.key();
        }
    }

    /** The rules in there, as text. */
    String rules() {
        return run("ip", "netns", "exec", name, "nft", "list", "ruleset");
    }

    String exec(String... command) {
        String[] inside = new String[command.length + 4];
        System.arraycopy(new String[] {"ip", "netns", "exec", name}, 0, inside, 0, 4);
        System.arraycopy(command, 0, inside, 4, command.length);
        return run(inside);
    }

    /** Closes ztunnel's listeners, as when it has lost the pod without a word. */
    void stopListening() {
        listeners.forEach(listener -> {
            try {
                listener.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    @Override
    public void close() {
        stopListening();
        run("ip", "netns", "delete", name);
    }

    private List<ServerSocket> listen() {
        return NetworkNamespace.inside(
                path(),
                () -> IntStream.of(15_001, 15_006, 15_008)
                        .mapToObj(port -> {
                            try {
                                return new ServerSocket(port);
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        })
                        .toList());
    }

    private static String run(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor())
                    .as(String.join(" ", command) + ": " + output)
                    .isZero();
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
