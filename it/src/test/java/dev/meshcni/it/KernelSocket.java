// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.sun.jna.LastErrorException;
import com.sun.jna.ptr.IntByReference;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.TransportProtocol;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * A non-blocking socket, used through system calls: what java.net hides (whose it is, whether it is transparent, where
 * a redirected connection was going) is what the tests are about.
 */
final class KernelSocket implements AutoCloseable {
    private static final int SOCKADDR_MAX = 28;

    private final int fd;
    private final IpFamily family;

    private KernelSocket(int fd, IpFamily family) {
        this.fd = fd;
        this.family = family;
    }

    /** Opens a socket in the namespace of the calling thread; it belongs to that thread's fsuid and fsgid. */
    static KernelSocket open(IpFamily family, TransportProtocol protocol) {
        KernelSocket socket = open(family, protocol == TransportProtocol.TCP ? Libc.SOCK_STREAM : Libc.SOCK_DGRAM, 0);
        if (family == IpFamily.IPV6) {
            socket.option(Libc.SOL_IPV6, Libc.IPV6_V6ONLY, 1);
        }
        return socket;
    }

    /** Opens a socket for whole TCP segments (raw(7)); those it receives begin, for IPv4, with the header of IP. */
    static KernelSocket rawTcp(IpFamily family) {
        return open(family, Libc.SOCK_RAW, Libc.IPPROTO_TCP);
    }

    private static KernelSocket open(IpFamily family, int type, int protocol) {
        int domain = family == IpFamily.IPV4 ? Libc.AF_INET : Libc.AF_INET6;
        return new KernelSocket(Libc.C.socket(domain, type | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, protocol), family);
    }

    int fd() {
        return fd;
    }

    IpFamily family() {
        return family;
    }

    void reuseAddress() {
        option(Libc.SOL_SOCKET, Libc.SO_REUSEADDR, 1);
    }

    /** Accepts connections to addresses that are not its own, as TPROXY delivers them. */
    void transparent() {
        if (family == IpFamily.IPV4) {
            option(Libc.SOL_IP, Libc.IP_TRANSPARENT, 1);
        } else {
            option(Libc.SOL_IPV6, Libc.IPV6_TRANSPARENT, 1);
        }
    }

    /** May be bound to an address that no interface has. */
    void bindFreely() {
        if (family == IpFamily.IPV4) {
            option(Libc.SOL_IP, Libc.IP_FREEBIND, 1);
        } else {
            option(Libc.SOL_IPV6, Libc.IPV6_FREEBIND, 1);
        }
    }

    /** Marks all packets that it sends. */
    void mark(int mark) {
        option(Libc.SOL_SOCKET, Libc.SO_MARK, mark);
    }

    /** Ends the connection by a reset when it is closed, so that no port stays occupied. */
    void resetOnClose() {
        byte[] linger = ByteBuffer.allocate(8)
                .order(ByteOrder.nativeOrder())
                .putInt(1)
                .putInt(0)
                .array();
        Libc.C.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_LINGER, linger, linger.length);
    }

    void bind(InetSocketAddress address) {
        byte[] encoded = encode(address);
        Libc.C.bind(fd, encoded, encoded.length);
    }

    void listen() {
        Libc.C.listen(fd, 512);
    }

    /** The next connection that waits, if any. */
    Optional<KernelSocket> accept() {
        try {
            int accepted = Libc.C.accept4(fd, null, null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);
            return Optional.of(new KernelSocket(accepted, family));
        } catch (LastErrorException e) {
            if (e.getErrorCode() == Libc.EAGAIN) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Begins to connect; {@link #error} tells the result once {@link #await} has seen the socket writable. */
    void connect(InetSocketAddress address) {
        byte[] encoded = encode(address);
        try {
            Libc.C.connect(fd, encoded, encoded.length);
        } catch (LastErrorException e) {
            if (e.getErrorCode() != Libc.EINPROGRESS) {
                throw e;
            }
        }
    }

    /** Waits until the socket is ready for the events, or has an error; false when the time is over before. */
    boolean await(short events, int millis) {
        ByteBuffer poll = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
        poll.putInt(fd).putShort(events).putShort((short) 0).flip();
        return Libc.C.poll(poll, 1, millis) > 0;
    }

    /** Takes the pending error of the socket: an errno, 0 for none. */
    int error() {
        byte[] value = new byte[4];
        Libc.C.getsockopt(fd, Libc.SOL_SOCKET, Libc.SO_ERROR, value, new IntByReference(value.length));
        return ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getInt();
    }

    void send(byte[] data) {
        Libc.C.send(fd, data, data.length, 0);
    }

    /** What was received: no bytes mean that the connection has ended; empty when nothing waits. */
    Optional<byte[]> receive() {
        byte[] data = new byte[64];
        try {
            int length = (int) Libc.C.recv(fd, data, data.length, 0);
            return Optional.of(Arrays.copyOf(data, length));
        } catch (LastErrorException e) {
            if (e.getErrorCode() == Libc.EAGAIN) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The address on this side: for a connection that TPROXY delivered, the one that the client meant. */
    InetSocketAddress local() {
        byte[] address = new byte[SOCKADDR_MAX];
        Libc.C.getsockname(fd, address, new IntByReference(address.length));
        return decode(address);
    }

    /** Where a connection was going before REDIRECT changed it; empty when connection tracking does not know it. */
    Optional<InetSocketAddress> originalDestination() {
        byte[] address = new byte[SOCKADDR_MAX];
        int level = family == IpFamily.IPV4 ? Libc.SOL_IP : Libc.SOL_IPV6;
        int length = family == IpFamily.IPV4 ? 16 : SOCKADDR_MAX;
        try {
            Libc.C.getsockopt(fd, level, Libc.SO_ORIGINAL_DST, address, new IntByReference(length));
            return Optional.of(decode(address));
        } catch (LastErrorException e) {
            if (e.getErrorCode() == Libc.ENOENT || e.getErrorCode() == Libc.ENOPROTOOPT) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public void close() {
        Libc.C.close(fd);
    }

    private void option(int level, int option, int value) {
        byte[] encoded = ByteBuffer.allocate(4)
                .order(ByteOrder.nativeOrder())
                .putInt(value)
                .array();
        Libc.C.setsockopt(fd, level, option, encoded, encoded.length);
    }

    /** sockaddr_in and sockaddr_in6: the family in the machine's byte order, the rest in the network's. */
    private static byte[] encode(InetSocketAddress address) {
        byte[] ip = address.getAddress().getAddress();
        boolean v4 = ip.length == 4;
        ByteBuffer buffer = ByteBuffer.allocate(v4 ? 16 : SOCKADDR_MAX);
        buffer.order(ByteOrder.nativeOrder()).putShort((short) (v4 ? Libc.AF_INET : Libc.AF_INET6));
        buffer.order(ByteOrder.BIG_ENDIAN).putShort((short) address.getPort());
        return buffer.position(v4 ? 4 : 8).put(ip).array();
    }

    private static InetSocketAddress decode(byte[] encoded) {
        boolean v4 = ByteBuffer.wrap(encoded).order(ByteOrder.nativeOrder()).getShort() == Libc.AF_INET;
        int port = Short.toUnsignedInt(ByteBuffer.wrap(encoded).getShort(2));
        byte[] ip = v4 ? Arrays.copyOfRange(encoded, 4, 8) : Arrays.copyOfRange(encoded, 8, 24);
        try {
            return new InetSocketAddress(InetAddress.getByAddress(ip), port);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 bytes", e);
        }
    }
}
