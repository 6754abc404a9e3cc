package dev.meshcni.netns.linux;

import com.sun.jna.Pointer;
import dev.meshcni.core.Deadline;
import dev.meshcni.core.RedirectException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Runs a program to its end, on the calling thread and so in its network namespace ({@code posix_spawn(3)}).
 *
 * <p>Not {@link ProcessBuilder}: that one starts a reaper thread from the calling thread, pooled for the next minute,
 * which would live in the pod's namespace and keep it alive; and it starts a second program in between. Input and
 * output are memory files, so no program can block on a pipe that nobody reads.
 */
final class ChildProcess {
    private static final short POSIX_SPAWN_SETSIGMASK = 8;
    private static final int STRUCTURE_SIZE = 512;
    private static final int RUNNING = -1;
    private static final Duration AFTER_KILL = Duration.ofSeconds(1);

    /** What a program left: its exit status (128 + N if signal N ended it) and its output. */
    record Output(int status, String stdout, String stderr) {}

    private static final ScopedValue<Deadline> DEADLINE = ScopedValue.newInstance();

    private ChildProcess() {}

    /**
     * Runs an action in which programs are killed when a deadline has passed, if their own bound does not come first.
     *
     * @return what the action returns
     */
    static <T> T within(Deadline deadline, Supplier<T> action) {
        return ScopedValue.where(DEADLINE, deadline).call(action::get);
    }

    /**
     * Runs a program.
     *
     * @param program its file
     * @param arguments what follows the program's name
     * @param environment all of its environment, as {@code NAME=VALUE}
     * @param input its standard input
     * @param bound how long it may take before it is killed
     * @throws RedirectException if it cannot be started or does not end in time
     * @see #within
     */
    static Output run(Path program, List<String> arguments, List<String> environment, String input, Duration bound) {
        int stdin = memoryFile(input.getBytes(StandardCharsets.UTF_8));
        int stdout = memoryFile(new byte[0]);
        int stderr = memoryFile(new byte[0]);
        try {
            int pid = spawn(program, arguments, environment, new int[] {stdin, stdout, stderr});
            int status = await(pid, program, DEADLINE.isBound() ? DEADLINE.get().atMost(bound) : bound);
            return new Output(status, content(stdout), content(stderr).strip());
        } finally {
            LibC.close(stdin);
            LibC.close(stdout);
            LibC.close(stderr);
        }
    }

    private static int spawn(Path program, List<String> arguments, List<String> environment, int[] standard) {
        List<String> argv =
                Stream.concat(Stream.of(program.toString()), arguments.stream()).toList();
        long strings = Stream.concat(argv.stream(), environment.stream())
                .mapToLong(text -> text.getBytes(StandardCharsets.UTF_8).length + 32L)
                .sum();
        try (NativeBlock block = new NativeBlock(strings + 3 * STRUCTURE_SIZE + 64)) {
            Pointer actions = block.take(STRUCTURE_SIZE);
            Pointer attributes = block.take(STRUCTURE_SIZE);
            LibC.posix_spawn_file_actions_init(actions);
            LibC.posix_spawnattr_init(attributes);
            try {
                for (int fd = 0; fd < standard.length; fd++) {
                    LibC.posix_spawn_file_actions_adddup2(actions, standard[fd], fd);
                }
                // Sockets of other requests are open in this process, and not all of them close on exec.
                LibC.posix_spawn_file_actions_addclosefrom_np(actions, standard.length);
                LibC.posix_spawnattr_setsigmask(attributes, block.take(STRUCTURE_SIZE));
                LibC.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK);
                int[] pid = new int[1];
                int errno = LibC.posix_spawn(
                        pid, program.toString(), actions, attributes, block.strings(argv), block.strings(environment));
                if (errno != 0) {
                    throw LibC.failure("starting " + program, errno);
                }
                return pid[0];
            } finally {
                LibC.posix_spawn_file_actions_destroy(actions);
                LibC.posix_spawnattr_destroy(attributes);
            }
        }
    }

    private static int await(int pid, Path program, Duration bound) {
        int pidfd = (int) LibC.syscall(LibC.SYS_PIDFD_OPEN, pid, 0);
        try {
            int status = waitFor(pid, pidfd, bound);
            if (status == RUNNING) {
                LibC.kill(pid, LibC.SIGKILL);
                waitFor(pid, pidfd, AFTER_KILL);
                throw new RedirectException(program + " did not end within " + bound.toMillis() + " ms and was killed");
            }
            return status;
        } finally {
            if (pidfd >= 0) {
                LibC.close(pidfd);
            }
        }
    }

    /** The exit status as a shell gives it, or {@link #RUNNING}. */
    private static int waitFor(int pid, int pidfd, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        int[] status = new int[1];
        while (true) {
            int reaped = LibC.waitpid(pid, status, LibC.WNOHANG);
            if (reaped == pid) {
                int signal = status[0] & 0x7f;
                return signal == 0 ? status[0] >> 8 & 0xff : 128 + signal;
            }
            if (reaped < 0 && LibC.errno() != LibC.EINTR) {
                throw LibC.failure("waiting for a process");
            }
            long left = (deadline - System.nanoTime() + 999_999) / 1_000_000;
            if (left <= 0) {
                return RUNNING;
            }
            sleepUntilReadable(pidfd, (int) Math.min(left, 60_000));
        }
    }

    /** A process file becomes readable when the process ends. A kernel before 5.3 has none: then look again soon. */
    private static void sleepUntilReadable(int pidfd, int millis) {
        byte[] pollfd = ByteBuffer.allocate(8)
                .order(ByteOrder.nativeOrder())
                .putInt(pidfd)
                .putShort(LibC.POLLIN)
                .array();
        LibC.poll(pollfd, 1, pidfd < 0 ? 1 : millis);
    }

    private static int memoryFile(byte[] content) {
        int fd = LibC.check(LibC.memfd_create("meshcni", LibC.MFD_CLOEXEC), "making a memory file");
        int written = 0;
        while (written < content.length) {
            byte[] rest = written == 0 ? content : Arrays.copyOfRange(content, written, content.length);
            long count = LibC.write(fd, rest, rest.length);
            if (count <= 0) {
                RedirectException failure = LibC.failure("writing a memory file");
                LibC.close(fd);
                throw failure;
            }
            written += (int) count;
        }
        LibC.lseek(fd, 0, LibC.SEEK_SET);
        return fd;
    }

    private static String content(int fd) {
        long size = LibC.lseek(fd, 0, LibC.SEEK_END);
        byte[] bytes = new byte[Math.toIntExact(size)];
        long read = LibC.pread(fd, bytes, size, 0);
        if (read != size) {
            throw LibC.failure("reading a memory file");
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
