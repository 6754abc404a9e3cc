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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;

/** A network namespace of a test's own: a host's, or a pod's with addresses. */
final class TestPodNetns implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final List<Integer> PORTS = List.of(15_001, 15_006, 15_008);
    private static final String BRIDGE = "br0";

    private final int number = COUNT.incrementAndGet();
    private final String name = "meshcni-e" + ProcessHandle.current().pid() + "-" + number;
    private final List<String> addresses;
    private final List<ServerSocket> listeners = new ArrayList<>();

    private TestPodNetns(List<String> addresses) {
        this.addresses = addresses;
        run("ip", "netns", "add", name);
        exec("ip", "link", "set", "lo", "up");
    }

    /** A host without anything. */
    static TestPodNetns host() {
        return new TestPodNetns(List.of());
    }

    /** A host with a bridge for pods, which has an address of each family. */
    static TestPodNetns bridgedHost(List<String> addresses) {
        TestPodNetns host = host();
        host.exec("ip", "link", "add", BRIDGE, "type", "bridge");
        addresses.forEach(address -> host.assign(address, BRIDGE));
        host.exec("ip", "link", "set", BRIDGE, "up");
        return host;
    }

    /** A pod that nobody can reach, with listeners on the ports of ztunnel. */
    static TestPodNetns withListeners(String address) {
        TestPodNetns pod = new TestPodNetns(List.of(address));
        pod.exec("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "host0");
        pod.exec("ip", "address", "add", address + "/24", "dev", "eth0");
        pod.inside(() -> {
            for (int port : PORTS) {
                pod.listeners.add(new ServerSocket(port));
            }
            return PORTS;
        });
        return pod;
    }

    /**
     * A pod on the bridge of a host, which is its router.
     *
     * @param gateways the host's addresses there
     */
    static TestPodNetns on(TestPodNetns host, List<String> gateways, String ipv4, String ipv6) {
        TestPodNetns pod = new TestPodNetns(List.of(ipv4, ipv6));
        String outside = "veth" + pod.number;
        host.exec("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", pod.name);
        host.exec("ip", "link", "set", outside, "master", BRIDGE, "up");
        pod.addresses.forEach(address -> pod.assign(address, "eth0"));
        pod.exec("ip", "link", "set", "eth0", "up");
        gateways.forEach(gateway -> pod.exec("ip", "route", "add", "default", "via", gateway));
        return pod;
    }

    private void assign(String address, String device) {
        if (address.contains(":")) {
            exec("ip", "address", "add", address + "/64", "dev", device, "nodad");
        } else {
            exec("ip", "address", "add", address + "/24", "dev", device);
        }
    }

    String name() {
        return name;
    }

    Path path() {
        return Path.of("/run/netns", name);
    }

    List<String> addresses() {
        return addresses;
    }

    FileKey key() {
        try (SharedDescriptor opened = SharedDescriptor.ofNamespace(path())) {
            return opened.key();
        }
    }

    /** The rules in there, as text. */
    String rules() {
        return exec("nft", "list", "ruleset");
    }

    String exec(String... command) {
        List<String> inside = new ArrayList<>(List.of("ip", "netns", "exec", name));
        inside.addAll(List.of(command));
        return run(inside.toArray(String[]::new));
    }

    /** Runs code in there; sockets that it makes stay there. */
    <T> T inside(Callable<T> code) {
        return NetworkNamespace.inside(path(), () -> {
            try {
                return code.call();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
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
