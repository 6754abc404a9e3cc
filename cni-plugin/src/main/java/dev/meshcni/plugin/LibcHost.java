// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import org.teavm.interop.Address;
import org.teavm.interop.Import;
import org.teavm.interop.Structure;
import org.teavm.interop.c.Include;
import org.teavm.interop.c.Name;
import org.teavm.interop.c.Native;
import org.teavm.interop.c.Variable;

/**
 * The C library of a 64-bit little-endian Linux. Arrays are handed over as they lie in memory, to calls during which
 * nothing is allocated: the collector moves them.
 */
final class LibcHost implements Host {
    // Numbers of the kernel's interface, the same on x86-64 and arm64; libc.h makes sure when the program is compiled.
    private static final int POLLIN = 1;
    private static final int POLLOUT = 4;
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 02000000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_SNDTIMEO = 21;
    private static final int SO_PEERCRED = 17;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int O_WRONLY = 1;
    private static final int O_APPEND = 02000;
    private static final int O_CREAT = 0100;
    private static final int O_CLOEXEC = 02000000;
    private static final int O_NONBLOCK = 04000;
    private static final int SEEK_END = 2;
    private static final int CLOCK_REALTIME = 0;
    private static final int CLOCK_MONOTONIC = 1;
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final int NANOS_PER_MILLI = 1_000_000;
    private static final int MILLIS_PER_SECOND = 1_000;
    private static final long MICROS_PER_MILLI = 1_000;
    private static final int FAMILY_LENGTH = 2;
    private static final int LONGEST_SOCKET_PATH = 107;
    private static final int FIRST_DESCRIPTOR = 3;
    private static final int LOG_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK;
    private static final int LOG_MODE = 0600;
    private static final int DIRECTORY_MODE = 0700;

    /** Room for {@code struct stat} of any architecture. */
    private static final int STATUS_LENGTH = 256;

    private static final int SIGPIPE = 13;
    private static final int SIGXFSZ = 25;
    private static final int ENAMETOOLONG = 36;

    /** Ignores signals that would end the process, so that the call fails with an error instead. */
    LibcHost() {
        signal(SIGPIPE, ignore());
        signal(SIGXFSZ, ignore());
    }

    @Override
    public byte[][] environment() {
        Address variables = environ();
        int count = 0;
        while (variable(variables, count).toLong() != 0) {
            count++;
        }
        byte[][] environment = new byte[count][];
        for (int i = 0; i < count; i++) {
            environment[i] = bytes(variable(variables, i));
        }
        return environment;
    }

    @Override
    public int read(int descriptor, byte[] into, int offset, int length) {
        return result(read(descriptor, Address.ofData(into).add(offset), length));
    }

    @Override
    public int write(int descriptor, byte[] from, int offset, int length) {
        return result(write(descriptor, Address.ofData(from).add(offset), length));
    }

    @Override
    public int send(int socket, byte[] from, int offset, int length) {
        return result(send(socket, Address.ofData(from).add(offset), length, MSG_NOSIGNAL | MSG_DONTWAIT));
    }

    @Override
    public int awaitInput(int descriptor, int millis) {
        return await(descriptor, POLLIN, millis);
    }

    @Override
    public int awaitOutput(int descriptor, int millis) {
        return await(descriptor, POLLOUT, millis);
    }

    @Override
    public int connect(byte[] path, int millis) {
        if (path.length > LONGEST_SOCKET_PATH) {
            return -ENAMETOOLONG;
        }
        byte[] address = new byte[FAMILY_LENGTH + path.length];
        address[0] = (byte) AF_UNIX;
        System.arraycopy(path, 0, address, FAMILY_LENGTH, path.length);
        long[] patience = {millis / MILLIS_PER_SECOND, millis % MILLIS_PER_SECOND * MICROS_PER_MILLI};
        int opened = result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (opened < 0) {
            return opened;
        }
        int socket = aboveStandard(opened);
        if (socket < 0) {
            return socket;
        }
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, Address.ofData(patience), 2 * Long.BYTES);
        int connected = result(connect(socket, Address.ofData(address), address.length));
        if (connected < 0) {
            close(socket);
            return connected;
        }
        return socket;
    }

    @Override
    public long peer(int socket) {
        // struct ucred: process, user, group
        int[] credentials = new int[3];
        int[] length = {3 * Integer.BYTES};
        int result = result(
                getsockopt(socket, SOL_SOCKET, SO_PEERCRED, Address.ofData(credentials), Address.ofData(length)));
        return result < 0 ? result : Integer.toUnsignedLong(credentials[1]);
    }

    @Override
    public int user() {
        return geteuid();
    }

    @Override
    public int status(byte[] path, int[] userAndMode) {
        byte[] memory = new byte[STATUS_LENGTH];
        int result = result(lstat(Address.ofData(path), Address.ofData(memory)));
        Status status = Address.ofData(memory).toStructure();
        userAndMode[0] = status.user;
        userAndMode[1] = status.mode;
        return result;
    }

    @Override
    public int readLink(byte[] path, byte[] into) {
        return result(readlink(Address.ofData(path), Address.ofData(into), into.length));
    }

    @Override
    public int makeDirectory(byte[] path) {
        return result(mkdir(Address.ofData(path), DIRECTORY_MODE));
    }

    @Override
    public int openLog(byte[] path) {
        int opened = result(open(Address.ofData(path), LOG_FLAGS | noFollow(), LOG_MODE));
        return opened < 0 ? opened : aboveStandard(opened);
    }

    @Override
    public long size(int descriptor) {
        return lseek(descriptor, 0, SEEK_END);
    }

    @Override
    public int close(int descriptor) {
        return result(closeDescriptor(descriptor));
    }

    @Override
    public long nanoTime() {
        long[] time = new long[2];
        clock_gettime(CLOCK_MONOTONIC, Address.ofData(time));
        return time[0] * NANOS_PER_SECOND + time[1];
    }

    @Override
    public long currentTimeMillis() {
        long[] time = new long[2];
        clock_gettime(CLOCK_REALTIME, Address.ofData(time));
        return time[0] * MILLIS_PER_SECOND + time[1] / NANOS_PER_MILLI;
    }

    @Override
    public void exit(int code) {
        _exit(code);
    }

    private static int await(int descriptor, int events, int millis) {
        // struct pollfd: descriptor, and in halves of the second word what is asked for and what came
        int[] asked = {descriptor, events};
        return result(poll(Address.ofData(asked), 1, millis));
    }

    /**
     * Where a standard descriptor is closed, the kernel gives its number to what is opened next; what is printed must
     * not go there.
     */
    private static int aboveStandard(int descriptor) {
        if (descriptor >= FIRST_DESCRIPTOR) {
            return descriptor;
        }
        int moved = result(fcntl(descriptor, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR));
        closeDescriptor(descriptor);
        return moved;
    }

    private static int result(int value) {
        return value < 0 ? -errno() : value;
    }

    private static Address variable(Address variables, int index) {
        return variables.add(index * Address.sizeOf()).getAddress();
    }

    private static byte[] bytes(Address text) {
        byte[] bytes = new byte[strlen(text)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = text.add(i).getByte();
        }
        return bytes;
    }

    /** The fields used of {@code struct stat}. */
    @Native(structKeyword = true)
    @Name("stat")
    @Include("sys/stat.h")
    static final class Status extends Structure {
        @Name("st_uid")
        int user;

        @Name("st_mode")
        int mode;
    }

    @Include("unistd.h")
    @Import(name = "read")
    private static native int read(int descriptor, Address into, int length);

    @Include("unistd.h")
    @Import(name = "write")
    private static native int write(int descriptor, Address from, int length);

    @Include("sys/socket.h")
    @Import(name = "send")
    private static native int send(int socket, Address from, int length, int flags);

    @Include("poll.h")
    @Import(name = "poll")
    private static native int poll(Address descriptors, int count, int millis);

    @Include("sys/socket.h")
    @Import(name = "socket")
    private static native int socket(int domain, int type, int protocol);

    @Include("sys/socket.h")
    @Import(name = "connect")
    private static native int connect(int socket, Address address, int length);

    @Include("sys/socket.h")
    @Import(name = "setsockopt")
    private static native int setsockopt(int socket, int level, int option, Address value, int length);

    @Include("sys/socket.h")
    @Import(name = "getsockopt")
    private static native int getsockopt(int socket, int level, int option, Address value, Address length);

    @Include("fcntl.h")
    @Import(name = "fcntl")
    private static native int fcntl(int descriptor, int command, int argument);

    @Include("fcntl.h")
    @Import(name = "open")
    private static native int open(Address path, int flags, int mode);

    @Include("unistd.h")
    @Import(name = "close")
    private static native int closeDescriptor(int descriptor);

    @Include("unistd.h")
    @Import(name = "lseek")
    private static native long lseek(int descriptor, long offset, int whence);

    @Include("sys/stat.h")
    @Import(name = "lstat")
    private static native int lstat(Address path, Address status);

    @Include("sys/stat.h")
    @Import(name = "mkdir")
    private static native int mkdir(Address path, int mode);

    @Include("unistd.h")
    @Import(name = "readlink")
    private static native int readlink(Address path, Address into, int length);

    @Include("unistd.h")
    @Import(name = "geteuid")
    private static native int geteuid();

    @Include("time.h")
    @Import(name = "clock_gettime")
    private static native int clock_gettime(int clock, Address time);

    @Include("unistd.h")
    @Import(name = "_exit")
    private static native void _exit(int code);

    @Include("signal.h")
    @Import(name = "signal")
    private static native Address signal(int signal, Address handler);

    @Include("string.h")
    @Import(name = "strlen")
    private static native int strlen(Address text);

    @Include("errno.h")
    @Variable
    @Import(name = "errno")
    private static native int errno();

    @Include("unistd.h")
    @Variable
    @Import(name = "environ")
    private static native Address environ();

    @Include("signal.h")
    @Variable
    @Import(name = "SIG_IGN")
    private static native Address ignore();

    @Include("fcntl.h")
    @Variable
    @Import(name = "O_NOFOLLOW")
    private static native int noFollow();
}
