// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import dev.meshcni.core.spi.Deadline;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;

/** A child process, from its start until it is reaped. One that is closed before its end is killed. */
final class RunningProgram implements AutoCloseable {
    private static final Duration AFTER_KILL = Duration.ofSeconds(1);
    private static final int POLLFD_LENGTH = 8;
    private static final int REVENTS = 6;
    private static final int SLICE_MILLIS = 60_000;

    private final int pid;

    /** Becomes readable when the process ends. A kernel before 5.3 has none: then it is looked again soon. */
    private final int pidfd;

    private OptionalInt status = OptionalInt.empty();

    RunningProgram(int pid) {
        this.pid = pid;
        this.pidfd = (int) LibC.syscall(LibC.SYS_PIDFD_OPEN, pid, 0);
    }

    /** Lets it fail to map more memory than a number of bytes. */
    void limitMemory(long bytes) {
        byte[] limit = ByteBuffer.allocate(2 * Long.BYTES)
                .order(ByteOrder.nativeOrder())
                .putLong(bytes)
                .putLong(bytes)
                .array();
        // It may have ended by now, and where it cannot be limited its output still is.
        int _ = LibC.prlimit(pid, LibC.RLIMIT_AS, limit, null);
    }

    /**
     * Passes on what it prints, until it ends.
     *
     * @param output by pipe, who is given its content; whoever throws ends the program
     * @return the exit status as a shell gives it (128 + N if signal N ended it); empty if it does not end in time
     */
    OptionalInt await(Map<OutputPipe, Consumer<String>> output, Duration bound) {
        output.keySet().forEach(OutputPipe::closeIn);
        Deadline end = Deadline.after(bound);
        while (true) {
            // What it has printed is in the pipes when it has ended; a child of its own may keep them open.
            boolean ended = reap();
            Duration left = end.remaining();
            boolean more = pass(output, ended ? Duration.ZERO : left);
            if (ended && !more) {
                return status;
            }
            if (!ended && left.isZero()) {
                return OptionalInt.empty();
            }
        }
    }

    @Override
    public void close() {
        try {
            if (!reap()) {
                LibC.kill(pid, LibC.SIGKILL);
                Deadline end = Deadline.after(AFTER_KILL);
                while (!reap() && !end.remaining().isZero()) {
                    poll(List.of(), end.remaining());
                }
            }
        } finally {
            if (pidfd >= 0) {
                LibC.close(pidfd);
            }
        }
    }

    /** Returns whether it has ended. */
    private boolean reap() {
        int[] word = new int[1];
        while (status.isEmpty()) {
            int reaped = LibC.waitpid(pid, word, LibC.WNOHANG);
            if (reaped == pid) {
                int signal = word[0] & 0x7f;
                status = OptionalInt.of(signal == 0 ? word[0] >> 8 & 0xff : 128 + signal);
            } else if (reaped == 0) {
                return false;
            } else if (LibC.errno() != LibC.EINTR) {
                throw LibC.failure("waiting for a process");
            }
        }
        return true;
    }

    /** Waits for output or the end; whether there was output. */
    private boolean pass(Map<OutputPipe, Consumer<String>> output, Duration patience) {
        List<OutputPipe> pipes = List.copyOf(output.keySet());
        ByteBuffer ready = poll(pipes, patience);
        boolean some = false;
        for (int i = 0; i < pipes.size(); i++) {
            if (ready.getShort(i * POLLFD_LENGTH + REVENTS) != 0) {
                output.get(pipes.get(i)).accept(pipes.get(i).read());
                some = true;
            }
        }
        return some;
    }

    private ByteBuffer poll(List<OutputPipe> pipes, Duration patience) {
        ByteBuffer fds = ByteBuffer.allocate((pipes.size() + 1) * POLLFD_LENGTH).order(ByteOrder.nativeOrder());
        pipes.forEach(pipe -> fds.putInt(pipe.out()).putShort(LibC.POLLIN).putShort((short) 0));
        fds.putInt(status.isPresent() ? -1 : pidfd).putShort(LibC.POLLIN).putShort((short) 0);
        // Rounded up, so that the last wait reaches the end.
        long millis = Math.min(SLICE_MILLIS, (patience.toNanos() + 999_999) / 1_000_000);
        LibC.poll(fds.array(), pipes.size() + 1L, (int) (pidfd < 0 ? Math.min(1, millis) : millis));
        return fds;
    }
}
