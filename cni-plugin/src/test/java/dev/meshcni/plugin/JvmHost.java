// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The host of a plugin that runs on this JVM: the same system calls, but standard input and output are in memory, and
 * the root directory may be another one.
 */
@SuppressWarnings({"exports", "restricted"}) // The module exports no test; others find this on the class path.
public final class JvmHost implements Host {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MemoryLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
    private static final int MODE_OFFSET = ARM ? 16 : 24;
    private static final int USER_OFFSET = ARM ? 24 : 28;
    private static final int O_NOFOLLOW = ARM ? 0100000 : 0400000;
    private static final int STATUS_LENGTH = 256;
    private static final int STANDARD_INPUT = 0;
    private static final int STANDARD_OUTPUT = 1;
    private static final int CLOSED = -9;

    private final byte[][] variables;
    private final byte[] input;
    private final String root;
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private boolean endless;
    private long skippedNanos;
    private int position;
    private int exitCode = -1;

    /** A plugin that is called with variables and standard input. */
    public JvmHost(Map<String, String> environment, byte[] input) {
        this(
                environment.entrySet().stream()
                        .map(variable -> (variable.getKey() + "=" + variable.getValue()).getBytes(UTF_8))
                        .toArray(byte[][]::new),
                input,
                "");
    }

    /**
     * A plugin that is called so in another root directory (chroot(2)), of which the paths of sockets must be short
     * enough with it.
     *
     * @param variables each as {@code NAME=VALUE}
     */
    public JvmHost(byte[][] variables, byte[] input, String root) {
        this.variables = variables.clone();
        this.input = input;
        this.root = root;
    }

    /** Lets standard input stay open after what it holds; waiting for more takes no time here. */
    public JvmHost endless() {
        endless = true;
        return this;
    }

    /** Runs the plugin to its end; returns its exit code. */
    public int run() {
        Plugin.run(this);
        return exitCode;
    }

    /** What it has printed. */
    public byte[] output() {
        return output.toByteArray();
    }

    @Override
    public byte[][] environment() {
        return variables.clone();
    }

    @Override
    public int read(int descriptor, byte[] into, int offset, int length) {
        if (descriptor == STANDARD_INPUT) {
            int read = Math.min(length, input.length - position);
            System.arraycopy(input, position, into, offset, read);
            position += read;
            return read;
        }
        return (int) transfer("read", descriptor, into, offset, length, false);
    }

    @Override
    public int write(int descriptor, byte[] from, int offset, int length) {
        if (descriptor == STANDARD_OUTPUT) {
            output.write(from, offset, length);
            return length;
        }
        return (int) transfer("write", descriptor, from, offset, length, true);
    }

    @Override
    public int send(int socket, byte[] from, int offset, int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = copy(arena, from, offset, length);
            return (int) call(
                    arena,
                    "send",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT),
                    socket,
                    memory,
                    (long) length,
                    0x4000 | 0x40);
        }
    }

    @Override
    public int awaitInput(int descriptor, int millis) {
        if (descriptor == STANDARD_INPUT) {
            if (endless && position == input.length) {
                skippedNanos += millis * 1_000_000L;
                return 0;
            }
            return 1;
        }
        return poll(descriptor, 1, millis);
    }

    @Override
    public int awaitOutput(int descriptor, int millis) {
        return descriptor == STANDARD_OUTPUT ? 1 : poll(descriptor, 4, millis);
    }

    @Override
    public int connect(byte[] path, int millis) {
        if (path.length > 107) {
            return -36;
        }
        byte[] prefix = root.getBytes(UTF_8);
        byte[] address = new byte[2 + prefix.length + path.length];
        address[0] = 1;
        System.arraycopy(prefix, 0, address, 2, prefix.length);
        System.arraycopy(path, 0, address, 2 + prefix.length, path.length);
        try (Arena arena = Arena.ofConfined()) {
            int socket = (int) call(
                    arena, "socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT), 1, 1 | 02000000, 0);
            if (socket < 0) {
                return socket;
            }
            int connected = (int) call(
                    arena,
                    "connect",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT),
                    socket,
                    copy(arena, address, 0, address.length),
                    address.length);
            if (connected < 0) {
                close(socket);
                return connected;
            }
            return socket;
        }
    }

    @Override
    public long peer(int socket) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(12, 4);
            MemorySegment length = arena.allocateFrom(JAVA_INT, 12);
            long result = call(
                    arena,
                    "getsockopt",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS),
                    socket,
                    1,
                    17,
                    credentials,
                    length);
            return result < 0 ? result : Integer.toUnsignedLong(credentials.get(JAVA_INT, 4));
        }
    }

    @Override
    public int user() {
        try (Arena arena = Arena.ofConfined()) {
            return (int) call(arena, "geteuid", FunctionDescriptor.of(JAVA_INT));
        }
    }

    @Override
    public int status(byte[] path, int[] userAndMode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(STATUS_LENGTH, 8);
            int result = (int)
                    call(arena, "lstat", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS), path(arena, path), status);
            userAndMode[0] = status.get(JAVA_INT, USER_OFFSET);
            userAndMode[1] = status.get(JAVA_INT, MODE_OFFSET);
            return result;
        }
    }

    @Override
    public int readLink(byte[] path, byte[] into) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(into.length);
            int result = (int) call(
                    arena,
                    "readlink",
                    FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG),
                    path(arena, path),
                    target,
                    (long) into.length);
            MemorySegment.copy(target, JAVA_BYTE, 0, into, 0, into.length);
            return result;
        }
    }

    @Override
    public int makeDirectory(byte[] path) {
        try (Arena arena = Arena.ofConfined()) {
            return (int)
                    call(arena, "mkdir", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), path(arena, path), 0700);
        }
    }

    @Override
    public int openLog(byte[] path) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) call(
                    arena,
                    "open",
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT),
                    path(arena, path),
                    1 | 02000 | 0100 | 02000000 | 04000 | O_NOFOLLOW,
                    0600);
        }
    }

    @Override
    public long size(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            return call(
                    arena, "lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT), descriptor, 0L, 2);
        }
    }

    @Override
    public int close(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) call(arena, "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT), descriptor);
        }
    }

    @Override
    public long nanoTime() {
        return System.nanoTime() + skippedNanos;
    }

    @Override
    public long currentTimeMillis() {
        return System.currentTimeMillis();
    }

    @Override
    public void exit(int code) {
        exitCode = code;
    }

    private int poll(int descriptor, int events, int millis) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment asked = arena.allocateFrom(JAVA_INT, descriptor, events);
            return (int) call(
                    arena, "poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT), asked, 1L, millis);
        }
    }

    private long transfer(String function, int descriptor, byte[] bytes, int offset, int length, boolean out) {
        if (descriptor < 0) {
            return CLOSED;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = out ? copy(arena, bytes, offset, length) : arena.allocate(length);
            long result = call(
                    arena,
                    function,
                    FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG),
                    descriptor,
                    memory,
                    (long) length);
            if (!out && result > 0) {
                MemorySegment.copy(memory, JAVA_BYTE, 0, bytes, offset, (int) result);
            }
            return result;
        }
    }

    private MemorySegment path(Arena arena, byte[] path) {
        byte[] prefix = root.getBytes(UTF_8);
        MemorySegment memory = arena.allocate(prefix.length + path.length);
        MemorySegment.copy(prefix, 0, memory, JAVA_BYTE, 0, prefix.length);
        MemorySegment.copy(path, 0, memory, JAVA_BYTE, prefix.length, path.length);
        return memory;
    }

    private static MemorySegment copy(Arena arena, byte[] bytes, int offset, int length) {
        MemorySegment memory = arena.allocate(length);
        MemorySegment.copy(bytes, offset, memory, JAVA_BYTE, 0, length);
        return memory;
    }

    /** The function's result, or {@code -errno}. */
    private static long call(Arena arena, String function, FunctionDescriptor descriptor, Object... arguments) {
        MethodHandle handle = LINKER.downcallHandle(
                LINKER.defaultLookup().find(function).orElseThrow(),
                descriptor,
                Linker.Option.captureCallState("errno"));
        MemorySegment state = arena.allocate(STATE);
        List<Object> all = new ArrayList<>();
        all.add(state);
        all.addAll(List.of(arguments));
        try {
            long result = ((Number) handle.invokeWithArguments(all)).longValue();
            return result < 0 ? -(int) ERRNO.get(state, 0L) : result;
        } catch (Throwable e) {
            throw new AssertionError(function, e);
        }
    }
}
