// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import dev.meshcni.libc.LibC;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A listener that accepts connections to other addresses than its own, as a proxy behind TPROXY does, and answers each
 * with the address that it was meant for. Java's sockets have no option for it ({@code ip(7)}, IP_TRANSPARENT).
 */
final class TransparentServer implements AutoCloseable {
    private static final int AF_INET = 2;
    private static final int SOCK_STREAM = 1;
    private static final int SOL_IP = 0;
    private static final int IP_TRANSPARENT = 19;
    private static final int SHUT_RDWR = 2;

    static {
        Native.register(TransparentServer.class, NativeLibrary.getInstance("c"));
    }

    private final int fd;
    private final AtomicInteger accepted = new AtomicInteger();

    private TransparentServer(int fd) {
        this.fd = fd;
        Thread.ofPlatform().daemon().start(this::serve);
    }

    static TransparentServer listen(TestNetns netns, int port) {
        return new TransparentServer(NetworkNamespace.inside(netns.path(), () -> {
            int fd = LibC.check(LibC.socket(AF_INET, SOCK_STREAM | LibC.O_CLOEXEC, 0), "socket");
            byte[] one = {1, 0, 0, 0};
            LibC.check(LibC.setsockopt(fd, SOL_IP, IP_TRANSPARENT, one, one.length), "IP_TRANSPARENT");
            byte[] any = ByteBuffer.allocate(16)
                    .put((byte) AF_INET)
                    .put((byte) 0)
                    .putShort((short) port)
                    .array();
            LibC.check(bind(fd, any, any.length), "bind");
            LibC.check(listen(fd, 16), "listen");
            return fd;
        }));
    }

    int accepted() {
        return accepted.get();
    }

    @Override
    public void close() {
        shutdown(fd, SHUT_RDWR);
        LibC.close(fd);
    }

    private void serve() {
        while (true) {
            int connection = accept(fd, null, null);
            if (connection < 0) {
                return;
            }
            accepted.incrementAndGet();
            byte[] name = new byte[16];
            getsockname(connection, name, new int[] {name.length});
            int port = Short.toUnsignedInt(ByteBuffer.wrap(name).getShort(2));
            String text = "transparent %d.%d.%d.%d:%d"
                    .formatted(name[4] & 0xff, name[5] & 0xff, name[6] & 0xff, name[7] & 0xff, port);
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            LibC.write(connection, bytes, bytes.length);
            LibC.close(connection);
        }
    }

    private static native int bind(int fd, byte[] address, int length);

    private static native int listen(int fd, int backlog);

    private static native int accept(int fd, byte[] address, int[] length);

    private static native int getsockname(int fd, byte[] address, int[] length);

    private static native int shutdown(int fd, int how);
}
