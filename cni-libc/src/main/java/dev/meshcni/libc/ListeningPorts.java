// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.NetlinkReply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The TCP ports on which somebody listens in the network namespace of the calling thread ({@code sock_diag(7)}); where
 * the kernel is built without it, from {@code /proc} ({@code proc_pid_net(5)}).
 */
public final class ListeningPorts {
    private static final int SOCK_DIAG = 4;
    private static final int SOCK_DIAG_BY_FAMILY = 20;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int IPPROTO_TCP = 6;

    /** {@code TCP_LISTEN} of the kernel's states. */
    private static final int LISTEN = 10;

    /** In 4-byte fields: {@code struct inet_diag_sockid}, which restricts nothing when it is zero. */
    private static final int SOCKET_ID_FIELDS = 12;

    private static final int PORT_OFFSET = 4;
    private static final int MESSAGE_LENGTH = 72;

    /** In bytes: a pod with ten thousand listening sockets. */
    private static final int MAX_DUMP = 2 << 20;

    private static final Path PROC = Path.of("/proc/thread-self/net");
    private static final int LOCAL_ADDRESS = 1;
    private static final int STATE = 3;

    private ListeningPorts() {}

    /**
     * Reads the ports of both families, whatever address they are bound to.
     *
     * @throws RedirectException if they cannot be read
     */
    public static Set<Integer> read() {
        Set<Integer> ports = new HashSet<>();
        try (NetlinkSocket socket = new NetlinkSocket(SOCK_DIAG)) {
            for (int family : List.of(AF_INET, AF_INET6)) {
                for (NetlinkReply reply : socket.dump(request(family), MAX_DUMP)) {
                    if (reply.body().length() >= MESSAGE_LENGTH) {
                        ByteBuffer message = reply.body().buffer().order(ByteOrder.BIG_ENDIAN);
                        ports.add(Short.toUnsignedInt(message.getShort(PORT_OFFSET)));
                    }
                }
            }
            return ports;
        } catch (RefusedException e) {
            return ofProc();
        }
    }

    private static NetlinkMessage request(int family) {
        NetlinkMessage request = new NetlinkMessage(SOCK_DIAG_BY_FAMILY, NetlinkMessage.DUMP)
                .bytes(family, IPPROTO_TCP, 0, 0)
                .number(1 << LISTEN);
        for (int field = 0; field < SOCKET_ID_FIELDS; field++) {
            request.number(0);
        }
        return request;
    }

    /** The same from the text that the kernel always has. */
    static Set<Integer> ofProc() {
        Set<Integer> ports = new HashSet<>();
        for (String file : List.of("tcp", "tcp6")) {
            Path path = PROC.resolve(file);
            try {
                if (Files.exists(path)) {
                    Files.readString(path, StandardCharsets.ISO_8859_1)
                            .lines()
                            .skip(1)
                            .map(line -> line.strip().split(" +", -1))
                            .filter(fields -> fields.length > STATE && Integer.parseInt(fields[STATE], 16) == LISTEN)
                            .forEach(fields -> ports.add(Integer.parseInt(
                                    fields[LOCAL_ADDRESS].substring(fields[LOCAL_ADDRESS].lastIndexOf(':') + 1), 16)));
                }
            } catch (IOException e) {
                throw new RedirectException("reading " + path + " failed: " + e.getMessage(), e);
            }
        }
        return ports;
    }
}
