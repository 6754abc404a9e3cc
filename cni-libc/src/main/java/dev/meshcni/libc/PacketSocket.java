// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import dev.meshcni.core.spi.RedirectException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A connected UNIX socket that keeps the bounds of messages ({@code SOCK_SEQPACKET}, {@code unix(7)}), and can pass
 * open files on. The JDK has streams only. For one thread; another one ends its waits by a {@link Wakeup}.
 */
public final class PacketSocket implements AutoCloseable {
    static final int SOCK_SEQPACKET = 5;

    /** In bytes: the longest packet that is received whole. */
    public static final int MAX_PACKET = 64 << 10;

    private static final int SO_PEERCRED = 17;
    private static final int SCM_RIGHTS = 1;

    // struct msghdr, struct iovec and struct cmsghdr of a 64-bit architecture.
    private static final int MSGHDR_LENGTH = 56;
    private static final int MSG_IOV = 16;
    private static final int MSG_IOVLEN = 24;
    private static final int MSG_CONTROL = 32;
    private static final int MSG_CONTROLLEN = 40;
    private static final int MSG_FLAGS = 48;
    private static final int IOVEC_LENGTH = 16;
    private static final int CMSGHDR_LENGTH = 16;
    private static final int CMSG_LEVEL = 8;
    private static final int CMSG_TYPE = 12;

    /** In bytes: all of these, and what aligning them takes. */
    private static final int STRUCTURES_LENGTH = MSGHDR_LENGTH + IOVEC_LENGTH + CMSGHDR_LENGTH + 96;

    private final int fd;
    private boolean closed;

    PacketSocket(int fd) {
        this.fd = fd;
    }

    /**
     * Connects to a listener.
     *
     * @throws RedirectException if nobody listens there
     */
    public static PacketSocket connect(Path path) {
        byte[] address = UnixAddress.of(path);
        int fd = open();
        if (LibC.connect(fd, address, address.length) < 0) {
            int errno = LibC.errno();
            LibC.close(fd);
            throw LibC.failure("connecting to " + path, errno);
        }
        return new PacketSocket(fd);
    }

    static int open() {
        return LibC.check(
                LibC.socket(UnixAddress.AF_UNIX, SOCK_SEQPACKET | LibC.O_CLOEXEC | LibC.O_NONBLOCK, 0),
                "opening a socket");
    }

    /**
     * Waits for a packet or the end.
     *
     * @param wakeup what ends the wait as well
     * @return whether a packet or the end is there; otherwise the time is over, or somebody has signalled
     */
    public boolean await(Wakeup wakeup, Duration patience) {
        boolean[] ready = Readiness.await(patience, fd, wakeup.fd());
        if (ready[1]) {
            wakeup.clear();
        }
        return ready[0];
    }

    /**
     * Sends a packet, without waiting for room.
     *
     * @throws RedirectException if the peer has gone or reads nothing
     */
    public void send(byte[] packet) {
        send(packet, List.of());
    }

    /**
     * Sends a packet with files that the peer is to have open ({@code SCM_RIGHTS}), without waiting for room.
     *
     * @throws RedirectException if the peer has gone or reads nothing
     */
    public void send(byte[] packet, List<SharedDescriptor> descriptors) {
        int data = descriptors.size() * Integer.BYTES;
        try (NativeBlock block = new NativeBlock(STRUCTURES_LENGTH + packet.length + data)) {
            Pointer content = block.take(Math.max(1, packet.length));
            content.write(0, packet, 0, packet.length);
            Pointer control = block.take(CMSGHDR_LENGTH + data + 8L);
            control.setLong(0, CMSGHDR_LENGTH + (long) data);
            control.setInt(CMSG_LEVEL, LibC.SOL_SOCKET);
            control.setInt(CMSG_TYPE, SCM_RIGHTS);
            for (int i = 0; i < descriptors.size(); i++) {
                control.setInt(
                        CMSGHDR_LENGTH + (long) i * Integer.BYTES,
                        descriptors.get(i).fd());
            }
            int controlLength = descriptors.isEmpty() ? 0 : aligned(CMSGHDR_LENGTH + data);
            Pointer message = message(block, content, packet.length, control, controlLength);
            long sent = LibC.sendmsg(fd, message, LibC.MSG_NOSIGNAL | LibC.MSG_DONTWAIT);
            while (sent < 0 && LibC.errno() == LibC.EINTR) {
                sent = LibC.sendmsg(fd, message, LibC.MSG_NOSIGNAL | LibC.MSG_DONTWAIT);
            }
            if (sent != packet.length) {
                throw LibC.failure("sending a packet of " + packet.length + " bytes");
            }
        }
    }

    /**
     * Receives a packet, without waiting.
     *
     * @param descriptors for how many files there is room; the kernel closes those beyond
     * @return the packet or the end; empty if neither is there
     * @throws RedirectException if the connection is broken
     */
    public Optional<Packet> receive(int descriptors) {
        try (NativeBlock block = new NativeBlock(STRUCTURES_LENGTH + MAX_PACKET + descriptors * Integer.BYTES)) {
            Pointer content = block.take(MAX_PACKET);
            int room = descriptors == 0 ? 0 : aligned(CMSGHDR_LENGTH + descriptors * Integer.BYTES);
            Pointer control = block.take(Math.max(1, room));
            Pointer message = message(block, content, MAX_PACKET, control, room);
            int flags = LibC.MSG_DONTWAIT | LibC.MSG_CMSG_CLOEXEC;
            long count = LibC.recvmsg(fd, message, flags);
            while (count < 0 && LibC.errno() == LibC.EINTR) {
                count = LibC.recvmsg(fd, message, flags);
            }
            if (count < 0) {
                if (LibC.errno() == LibC.EAGAIN) {
                    return Optional.empty();
                }
                throw LibC.failure("receiving a packet");
            }
            boolean whole = (message.getInt(MSG_FLAGS) & (LibC.MSG_TRUNC | LibC.MSG_CTRUNC)) == 0;
            return Optional.of(new Packet(
                    content.getByteArray(0, (int) count), whole, received(control, message.getLong(MSG_CONTROLLEN))));
        }
    }

    /** The process that has connected, or that has listened. */
    public PeerCredentials peer() {
        byte[] value = new byte[3 * Integer.BYTES];
        LibC.check(
                LibC.getsockopt(fd, LibC.SOL_SOCKET, SO_PEERCRED, value, new int[] {value.length}),
                "asking for the credentials of a peer");
        ByteBuffer fields = ByteBuffer.wrap(value).order(ByteOrder.nativeOrder());
        return new PeerCredentials(fields.getInt(), fields.getInt(), fields.getInt());
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            LibC.close(fd);
        }
    }

    private static Pointer message(NativeBlock block, Pointer content, long length, Pointer control, long room) {
        Pointer vector = block.take(IOVEC_LENGTH);
        vector.setPointer(0, content);
        vector.setLong(Native.POINTER_SIZE, length);
        Pointer message = block.take(MSGHDR_LENGTH);
        message.setPointer(MSG_IOV, vector);
        message.setLong(MSG_IOVLEN, 1);
        if (room > 0) {
            message.setPointer(MSG_CONTROL, control);
            message.setLong(MSG_CONTROLLEN, room);
        }
        return message;
    }

    /** The control messages that were received; nothing but descriptors comes unless it is asked for. */
    private static List<ReceivedDescriptor> received(Pointer control, long length) {
        List<ReceivedDescriptor> descriptors = new ArrayList<>();
        long at = 0;
        while (at + CMSGHDR_LENGTH <= length) {
            int size = (int) control.getLong(at);
            if (size < CMSGHDR_LENGTH) {
                break;
            }
            if (control.getInt(at + CMSG_LEVEL) == LibC.SOL_SOCKET && control.getInt(at + CMSG_TYPE) == SCM_RIGHTS) {
                for (int i = CMSGHDR_LENGTH; i + Integer.BYTES <= size; i += Integer.BYTES) {
                    descriptors.add(new ReceivedDescriptor(control.getInt(at + i)));
                }
            }
            at += aligned(size);
        }
        return descriptors;
    }

    /** The next multiple of eight ({@code CMSG_ALIGN}). */
    private static int aligned(int length) {
        return (length + 7) & -8;
    }
}
