// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The functions of the C library (glibc 2.34 or newer) that this module needs, by the kernel's and the library's names.
 */
enum LibC {
    CLOSE("close", JAVA_INT, JAVA_INT),
    FCNTL("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
    KILL("kill", JAVA_INT, JAVA_INT, JAVA_INT),
    LGETXATTR("lgetxattr", JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG),
    LLISTXATTR("llistxattr", JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG),
    LREMOVEXATTR("lremovexattr", JAVA_INT, ADDRESS, ADDRESS),
    LSETXATTR("lsetxattr", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT),
    MADVISE("madvise", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT),
    OPEN("open", 2, JAVA_INT, ADDRESS, JAVA_INT),
    PIPE2("pipe2", JAVA_INT, ADDRESS, JAVA_INT),
    POLL("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT),
    POSIX_SPAWN("posix_spawn", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS),
    POSIX_SPAWNATTR_DESTROY("posix_spawnattr_destroy", JAVA_INT, ADDRESS),
    POSIX_SPAWNATTR_INIT("posix_spawnattr_init", JAVA_INT, ADDRESS),
    POSIX_SPAWNATTR_SETFLAGS("posix_spawnattr_setflags", JAVA_INT, ADDRESS, JAVA_SHORT),
    POSIX_SPAWNATTR_SETSIGMASK("posix_spawnattr_setsigmask", JAVA_INT, ADDRESS, ADDRESS),
    POSIX_SPAWN_FILE_ACTIONS_ADDCHDIR_NP("posix_spawn_file_actions_addchdir_np", JAVA_INT, ADDRESS, ADDRESS),
    POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP("posix_spawn_file_actions_addclosefrom_np", JAVA_INT, ADDRESS, JAVA_INT),
    POSIX_SPAWN_FILE_ACTIONS_ADDDUP2("posix_spawn_file_actions_adddup2", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT),
    POSIX_SPAWN_FILE_ACTIONS_DESTROY("posix_spawn_file_actions_destroy", JAVA_INT, ADDRESS),
    POSIX_SPAWN_FILE_ACTIONS_INIT("posix_spawn_file_actions_init", JAVA_INT, ADDRESS),
    PRCTL("prctl", 1, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
    READ("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG),
    RENAMEAT2("renameat2", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT),
    SETNS("setns", JAVA_INT, JAVA_INT, JAVA_INT),
    STATVFS("statvfs", JAVA_INT, ADDRESS, ADDRESS),
    STRERROR("strerror", ADDRESS, JAVA_INT),
    UNSHARE("unshare", JAVA_INT, JAVA_INT),
    WAITPID("waitpid", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT),
    WRITE("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);

    static final int ENOENT = 2;
    static final int EINTR = 4;
    static final int ENOEXEC = 8;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int EEXIST = 17;
    static final int EINVAL = 22;
    static final int ENOSYS = 38;
    static final int ENODATA = 61;
    static final int EOPNOTSUPP = 95;

    static final int O_RDONLY = 0;
    static final int O_NONBLOCK = 04000;
    static final int O_CLOEXEC = 02000000;

    private static final long LONGEST_MESSAGE = 256;

    private final String function;
    private final MethodHandle handle;

    /** The return value of a call, and errno if it failed. */
    record Result(long value, int errno) {
        boolean failed() {
            return value < 0;
        }

        int intValue() {
            return Math.toIntExact(value);
        }
    }

    /** The memory that the linker fills with errno: read it before anything else runs on the thread. */
    private static final class State {
        static final StructLayout LAYOUT = Linker.Option.captureStateLayout();
        static final VarHandle ERRNO = LAYOUT.varHandle(PathElement.groupElement("errno"));

        private State() {}
    }

    LibC(String function, MemoryLayout result, MemoryLayout... arguments) {
        this(function, arguments.length, result, arguments);
    }

    LibC(String function, int fixed, MemoryLayout result, MemoryLayout... arguments) {
        this.function = function;
        this.handle = bind(function, fixed, FunctionDescriptor.of(result, arguments));
    }

    /** Calls it; arguments are of exactly the types that it is declared with. */
    Result call(Object... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(State.LAYOUT);
            Object[] all = new Object[arguments.length + 1];
            all[0] = state;
            System.arraycopy(arguments, 0, all, 1, arguments.length);
            Object value = handle.invokeWithArguments(all);
            long number = value instanceof Number result ? result.longValue() : ((MemorySegment) value).address();
            return new Result(number, (int) State.ERRNO.get(state, 0L));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native function throws nothing: " + function, e);
        }
    }

    /** The C library's text for an error. */
    @SuppressWarnings("restricted") // the text of a known error is a constant of the library
    static String text(int errno) {
        return MemorySegment.ofAddress(STRERROR.call(errno).value())
                .reinterpret(LONGEST_MESSAGE)
                .getString(0);
    }

    @SuppressWarnings(
            "restricted") // programs of the distribution are started with --enable-native-access for this module
    private static MethodHandle bind(String function, int fixed, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        MemorySegment address = linker.defaultLookup().findOrThrow(function);
        Linker.Option errno = Linker.Option.captureCallState("errno");
        return fixed == descriptor.argumentLayouts().size()
                ? linker.downcallHandle(address, descriptor, errno)
                : linker.downcallHandle(address, descriptor, errno, Linker.Option.firstVariadicArg(fixed));
    }
}
