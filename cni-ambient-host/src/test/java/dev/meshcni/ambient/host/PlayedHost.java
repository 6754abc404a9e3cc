// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.netns.linux.NetworkNamespace;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.Lane;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A network namespace that plays the host, and others on cables that play its pods and those who talk to them. */
final class PlayedHost implements AutoCloseable {
    static final Map<IpFamily, Cidr> BOTH = Map.of(
            IpFamily.IPV4,
            Cidr.parse("169.254.7.127"),
            IpFamily.IPV6,
            Cidr.parse("fd16:9254:7127:1337:ffff:ffff:ffff:ffff"));
    static final Map<IpFamily, Cidr> ONLY_IPV4 = Map.of(IpFamily.IPV4, Cidr.parse("169.254.7.127"));

    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final int PORT = 8080;
    private static final int PATIENCE_MILLIS = 5_000;

    private final String name = "meshcni-h" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
    private final List<String> neighbours = new ArrayList<>();
    private final List<AutoCloseable> open = new ArrayList<>();

    PlayedHost() {
        Lane.requireRoot();
        run("ip", "netns", "add", name);
        shell("ip link set lo up");
    }

    Path path() {
        return Path.of("/var/run/netns", name);
    }

    /** The exemptions of this host in a way: {@code nft} or {@code legacy}. */
    HostProbes probes(String way, Map<IpFamily, Cidr> sources) {
        HostProbes probes = HostProbes.detect(
                path(),
                sources,
                switch (way) {
                    case "nft" -> NftExemptions::check;
                    case "legacy" -> LegacyOnly.KERNEL;
                    default -> throw new IllegalArgumentException(way);
                });
        open.add(probes);
        return probes;
    }

    /** Adds a namespace on a cable, which reaches all others through the host; its number is part of its addresses. */
    void neighbour(int number) {
        String neighbour = name + "-" + number;
        run("ip", "netns", "add", neighbour);
        neighbours.add(neighbour);
        run("ip", "-n", name, "link", "add", "to" + number, "type", "veth", "peer", "name", "eth0", "netns", neighbour);
        shell("ip addr add 10.77." + number + ".1/24 dev to" + number + "; ip -6 addr add fd77:" + number
                + "::1/64 dev to" + number + " nodad; ip link set to" + number + " up;"
                + "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
        run(
                "ip",
                "netns",
                "exec",
                neighbour,
                "sh",
                "-ec",
                "ip link set lo up; ip addr add " + address(IpFamily.IPV4, number) + "/24 dev eth0; ip -6 addr add "
                        + address(IpFamily.IPV6, number) + "/64 dev eth0 nodad; ip link set eth0 up;"
                        + "ip route add default via 10.77." + number + ".1; ip -6 route add default via fd77:" + number
                        + "::1");
        serve(neighbour);
    }

    static String address(IpFamily family, int number) {
        return switch (family) {
            case IPV4 -> "10.77." + number + ".2";
            case IPV6 -> "fd77:" + number + "::2";
        };
    }

    static String gateway(IpFamily family, int number) {
        return switch (family) {
            case IPV4 -> "10.77." + number + ".1";
            case IPV6 -> "fd77:" + number + "::1";
        };
    }

    /** The source address that a neighbour sees of a connection of the host. */
    String seenFromHost(IpFamily family, int number) {
        return seen(path(), address(family, number));
    }

    /** The source address that a neighbour sees of a connection of another one, which the host forwards. */
    String seenFromNeighbour(int client, IpFamily family, int number) {
        return seen(Path.of("/var/run/netns", name + "-" + client), address(family, number));
    }

    /** Runs a shell command on the host; its output. */
    String shell(String command) {
        return run("ip", "netns", "exec", name, "sh", "-ec", command);
    }

    @Override
    public void close() {
        try {
            for (AutoCloseable resource : open) {
                resource.close();
            }
        } catch (Exception e) {
            throw new AssertionError(e);
        } finally {
            neighbours.forEach(neighbour -> run("ip", "netns", "delete", neighbour));
            run("ip", "netns", "delete", name);
        }
    }

    static InetAddress ip(String literal) {
        return InetAddress.ofLiteral(literal);
    }

    private void serve(String neighbour) {
        ServerSocket server = NetworkNamespace.inside(Path.of("/var/run/netns", neighbour), () -> {
            try {
                ServerSocket socket = new ServerSocket();
                socket.bind(new InetSocketAddress(InetAddress.ofLiteral("::"), PORT));
                return socket;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        open.add(server);
        Thread.ofVirtual().start(() -> answer(server));
    }

    private static void answer(ServerSocket server) {
        try (server) {
            while (true) {
                try (Socket connection = server.accept()) {
                    String peer = connection.getInetAddress().getHostAddress().replaceFirst("%.*", "");
                    connection.getOutputStream().write(peer.getBytes(StandardCharsets.UTF_8));
                }
            }
        } catch (IOException _) {
            // The test is over.
        }
    }

    private static String seen(Path from, String address) {
        return NetworkNamespace.inside(from, () -> {
            try (Socket socket = new Socket()) {
                socket.setSoTimeout(PATIENCE_MILLIS);
                socket.connect(new InetSocketAddress(ip(address), PORT), PATIENCE_MILLIS);
                String peer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                return Cidr.host(ip(peer)).toString().replaceFirst("/.*", "");
            } catch (IOException e) {
                return e.toString();
            }
        });
    }

    private static String run(String... command) {
        try {
            Path output = Files.createTempFile("meshcni", ".out");
            try {
                int status = new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start()
                        .waitFor();
                String text = Files.readString(output);
                if (status != 0) {
                    throw new AssertionError(Stream.of(command).collect(Collectors.joining(" ")) + " failed: " + text);
                }
                return text;
            } finally {
                Files.delete(output);
            }
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
