// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import dev.meshcni.core.spi.RedirectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The few functions of the C library (glibc 2.34 or newer) that this module needs, bound by JNA's direct mapping.
 *
 * <p>No method takes a {@code Structure} or a {@code Memory}: JNA would start its cleaner thread for them, on demand
 * and from the calling thread, and a thread inherits the network namespace of the thread that starts it.
 */
public final class LibC {
    public static final int O_RDONLY = 0;
    public static final int O_NONBLOCK = 04000;
    public static final int O_CLOEXEC = 02000000;
    public static final int CLONE_NEWNET = 0x40000000;
    public static final int NS_GET_USERNS = 0xb701;
    public static final int NS_GET_NSTYPE = 0xb703;

    /** {@code SIOCGSKNS}: the network namespace of a socket, since Linux 4.10. */
    static final int SIOCGSKNS = 0x894c;

    public static final int ENOENT = 2;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    public static final int ENOTDIR = 20;

    static final int WNOHANG = 1;
    static final int SIGKILL = 9;
    static final int SEEK_SET = 0;
    static final int MFD_CLOEXEC = 1;
    static final short POLLIN = 1;
    static final int RLIMIT_AS = 9;
    static final int F_OK = 0;
    static final int MSG_CTRUNC = 0x8;
    static final int MSG_TRUNC = 0x20;
    static final int MSG_DONTWAIT = 0x40;
    static final int MSG_NOSIGNAL = 0x4000;
    static final int MSG_CMSG_CLOEXEC = 0x40000000;
    static final int SOL_SOCKET = 1;

    /** {@code pidfd_open(2)}: the same number on every architecture. */
    static final long SYS_PIDFD_OPEN = 434;

    static {
        Native.register(LibC.class, NativeLibrary.getInstance("c"));
    }

    private LibC() {}

    private static native int open(byte[] path, int flags);

    /** {@code close(2)}. */
    public static native int close(int fd);

    /** {@code ioctl(2)} without an argument. */
    public static native int ioctl(int fd, long request);

    /** {@code fstat(2)} into a {@code struct stat}. */
    public static native int fstat(int fd, byte[] stat);

    private static native int stat(byte[] path, byte[] stat);

    /** {@code setns(2)}. */
    public static native int setns(int fd, int type);

    /** {@code unshare(2)}. */
    public static native int unshare(int flags);

    /** {@code setfsuid(2)}. */
    public static native int setfsuid(int uid);

    /** {@code setfsgid(2)}. */
    public static native int setfsgid(int gid);

    /** {@code socket(2)}. */
    public static native int socket(int domain, int type, int protocol);

    /** {@code setsockopt(2)}. */
    public static native int setsockopt(int fd, int level, int option, byte[] value, int length);

    static native int getsockopt(int fd, int level, int option, byte[] value, int[] length);

    static native long send(int fd, byte[] buffer, long length, int flags);

    static native long recv(int fd, Pointer buffer, long length, int flags);

    static native int bind(int fd, byte[] address, int length);

    static native int listen(int fd, int backlog);

    /** {@code accept4(2)} for a caller that does not want the peer's address. */
    static native int accept4(int fd, Pointer address, Pointer length, int flags);

    static native int connect(int fd, byte[] address, int length);

    /** The message is a {@code struct msghdr}. */
    static native long sendmsg(int fd, Pointer message, int flags);

    /** The message is a {@code struct msghdr}. */
    static native long recvmsg(int fd, Pointer message, int flags);

    static native int eventfd(int initial, int flags);

    static native int poll(byte[] fds, long count, int timeoutMillis);

    static native int memfd_create(String name, int flags);

    /** Two descriptors: the end to read from, then the one to write to. */
    static native int pipe2(int[] fds, int flags);

    /** {@code read(2)}. */
    public static native long read(int fd, byte[] buffer, long length);

    /** {@code write(2)}. */
    public static native long write(int fd, byte[] buffer, long length);

    static native long lseek(int fd, long offset, int whence);

    static native int kill(int pid, int signal);

    /** Sets a limit of another process; {@code limit} is a {@code struct rlimit} of 64-bit numbers. */
    static native int prlimit(int pid, int resource, byte[] limit, Pointer former);

    static native int waitpid(int pid, int[] status, int options);

    /** Always called with a number and two arguments, which every ABI of Linux passes like fixed ones. */
    static native long syscall(long number, long first, long second);

    static native int posix_spawn(
            int[] pid, String path, Pointer actions, Pointer attributes, Pointer arguments, Pointer environment);

    static native int posix_spawn_file_actions_init(Pointer actions);

    static native int posix_spawn_file_actions_adddup2(Pointer actions, int fd, int newFd);

    static native int posix_spawn_file_actions_addclosefrom_np(Pointer actions, int from);

    static native int posix_spawn_file_actions_destroy(Pointer actions);

    static native int posix_spawnattr_init(Pointer attributes);

    static native int posix_spawnattr_setflags(Pointer attributes, short flags);

    static native int posix_spawnattr_setsigmask(Pointer attributes, Pointer signals);

    static native int posix_spawnattr_destroy(Pointer attributes);

    public static native String strerror(int errno);

    private static native int access(byte[] path, int mode);

    /** Makes sure that the library is bound, by the calling thread and not by one inside a namespace. */
    public static void load() {
        // Running the static initializer is all it takes.
    }

    /** {@code open(2)}. */
    public static int open(Path path, int flags) {
        return open(terminated(path), flags);
    }

    /** {@code stat(2)} into a {@code struct stat}. */
    public static int stat(Path path, byte[] stat) {
        return stat(terminated(path), stat);
    }

    /** Returns whether there is anything at a path, as far as this process may know; usually there is not. */
    public static boolean exists(Path path) {
        return access(terminated(path), F_OK) == 0;
    }

    /**
     * JNA would look up the encoding of a string and call back into Java for each, which takes longer than the call.
     */
    private static byte[] terminated(Path path) {
        return (path + "\0").getBytes(StandardCharsets.UTF_8);
    }

    /** The error number of the call that was made last on this thread. */
    public static int errno() {
        return Native.getLastError();
    }

    /** The failure of the call that was made last on this thread. */
    public static RedirectException failure(String what) {
        return failure(what, errno());
    }

    /** The failure of a call with an error number. */
    public static RedirectException failure(String what, int errno) {
        return new RedirectException(what + ": " + strerror(errno));
    }

    /** Passes on the result of a call, or throws what it failed with. */
    public static int check(int result, String what) {
        if (result < 0) {
            throw failure(what);
        }
        return result;
    }
}
