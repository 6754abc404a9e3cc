// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.meshcni.host.linux.ProgramOutcome.Refusal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * One program, its pipes and what it is started with (posix_spawn(3)); all is allocated before the thread enters
 * another mount namespace. A {@code posix_spawn} does what runtimes do: it hands a file without a format that the
 * kernel knows to no shell.
 */
final class SpawnedProgram implements AutoCloseable {
    private static final int WNOHANG = 1;
    private static final int SIGKILL = 9;
    private static final short POLLIN = 1;
    private static final int POLLFD = 8;
    private static final int REVENTS = 6;
    private static final int TICK_MILLIS = 10;
    private static final Duration TIME_TO_DIE = Duration.ofSeconds(1);

    /** {@code struct statvfs} of 64-bit architectures: {@code f_flag} is the tenth of its longs. */
    private static final int F_FLAG = 9;

    private static final long ST_NOEXEC = 8;
    private static final long STATVFS_SIZE = 256;

    /** More than the structures of posix_spawn take on any architecture. */
    private static final long OPAQUE = 1024;

    private static final long SIGSET = 128;
    private static final short POSIX_SPAWN_SETPGROUP = 2;
    private static final short POSIX_SPAWN_SETSIGMASK = 8;

    private final ProgramCall call;
    private final Arena arena = Arena.ofConfined();
    private final Pipe input;
    private final Pipe output;
    private final Pipe errors;
    private final MemorySegment actions = arena.allocate(OPAQUE, Long.BYTES);
    private final MemorySegment attributes = arena.allocate(OPAQUE, Long.BYTES);
    private final MemorySegment number = arena.allocate(JAVA_INT);
    private final MemorySegment polled = arena.allocate(2L * POLLFD, Integer.BYTES);

    private SpawnedProgram(ProgramCall call) {
        this.call = call;
        this.input = Pipe.open(arena);
        this.output = Pipe.open(arena);
        this.errors = Pipe.open(arena);
    }

    static SpawnedProgram prepare(ProgramCall call) {
        SpawnedProgram program = new SpawnedProgram(call);
        program.input.fill(call.input().getBytes(UTF_8));
        LibC.POSIX_SPAWN_FILE_ACTIONS_INIT.call(program.actions);
        int[] ends = {program.input.reading(), program.output.writing(), program.errors.writing()};
        for (int fd = 0; fd < ends.length; fd++) {
            LibC.POSIX_SPAWN_FILE_ACTIONS_ADDDUP2.call(program.actions, ends[fd], fd);
        }
        LibC.POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP.call(program.actions, ends.length);
        LibC.POSIX_SPAWN_FILE_ACTIONS_ADDCHDIR_NP.call(program.actions, program.arena.allocateFrom("/"));
        LibC.POSIX_SPAWNATTR_INIT.call(program.attributes);
        LibC.POSIX_SPAWNATTR_SETFLAGS.call(
                program.attributes, (short) (POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK));
        LibC.POSIX_SPAWNATTR_SETSIGMASK.call(program.attributes, program.arena.allocate(SIGSET, Long.BYTES));
        return program;
    }

    /**
     * Starts it where the thread is now and waits for its end.
     *
     * @param cancelled whether it is no longer wanted
     */
    ProgramOutcome run(BooleanSupplier cancelled) {
        Optional<ProgramOutcome> unfit = otherFile();
        if (unfit.isPresent()) {
            return unfit.get();
        }
        long errno = LibC.POSIX_SPAWN
                .call(
                        number,
                        arena.allocateFrom(call.program().toString()),
                        actions,
                        attributes,
                        strings(List.of(call.program().toString())),
                        strings(call.environment().entrySet().stream()
                                .map(entry -> entry.getKey() + "=" + entry.getValue())
                                .toList()))
                .value();
        input.close();
        output.closeWriting();
        errors.closeWriting();
        return errno == 0 ? watch(number.get(JAVA_INT, 0), cancelled) : refused(Math.toIntExact(errno));
    }

    @Override
    public void close() {
        LibC.POSIX_SPAWN_FILE_ACTIONS_DESTROY.call(actions);
        LibC.POSIX_SPAWNATTR_DESTROY.call(attributes);
        input.close();
        output.close();
        errors.close();
        arena.close();
    }

    private Optional<ProgramOutcome> otherFile() {
        try {
            Object found = Files.readAttributes(call.program(), BasicFileAttributes.class)
                    .fileKey();
            return call.file()
                    .filter(wanted -> !wanted.equals(found))
                    .map(_ -> new ProgramOutcome.Refused(
                            Refusal.ANOTHER_FILE, call.program() + " is not the expected file"));
        } catch (NoSuchFileException e) {
            return Optional.of(new ProgramOutcome.Refused(Refusal.MISSING, call.program() + " does not exist"));
        } catch (IOException e) {
            return Optional.of(new ProgramOutcome.Refused(Refusal.OTHER, e.toString()));
        }
    }

    private ProgramOutcome watch(int pid, BooleanSupplier cancelled) {
        long end = System.nanoTime() + call.deadline().toNanos();
        while (System.nanoTime() - end < 0 && !cancelled.getAsBoolean()) {
            output.collectWhenReady(errors, polled, TICK_MILLIS);
            Optional<Integer> status = ended(pid);
            if (status.isPresent()) {
                output.collectWhenReady(errors, polled, 0);
                return outcome(status.get());
            }
        }
        return new ProgramOutcome.Late(call.deadline(), !kill(pid));
    }

    private ProgramOutcome outcome(int status) {
        int signal = status & 0x7f;
        return signal != 0
                ? new ProgramOutcome.Signalled(signal)
                : new ProgramOutcome.Ended(status >> 8 & 0xff, output.text(), errors.text());
    }

    /** Kills it and all that it has started; false if it does not die. */
    private boolean kill(int pid) {
        LibC.KILL.call(-pid, SIGKILL);
        long end = System.nanoTime() + TIME_TO_DIE.toNanos();
        while (System.nanoTime() - end < 0) {
            if (ended(pid).isPresent()) {
                return true;
            }
            output.collectWhenReady(errors, polled, TICK_MILLIS);
        }
        return false;
    }

    private Optional<Integer> ended(int pid) {
        LibC.Result result = LibC.WAITPID.call(pid, number, WNOHANG);
        return result.value() == pid ? Optional.of(number.get(JAVA_INT, 0)) : Optional.empty();
    }

    private ProgramOutcome refused(int errno) {
        Refusal refusal = switch (errno) {
            case LibC.ENOENT -> Files.exists(call.program()) ? Refusal.NO_LOADER : Refusal.MISSING;
            case LibC.ENOEXEC -> Refusal.FOREIGN;
            case LibC.EACCES -> isOnNoexec(call.program()) ? Refusal.NOEXEC : Refusal.NOT_PERMITTED;
            default -> Refusal.OTHER;
        };
        return new ProgramOutcome.Refused(refusal, call.program() + ": " + LibC.text(errno));
    }

    private boolean isOnNoexec(Path file) {
        MemorySegment status = arena.allocate(STATVFS_SIZE, Long.BYTES);
        LibC.Result result = LibC.STATVFS.call(arena.allocateFrom(file.toString()), status);
        return !result.failed() && (status.getAtIndex(JAVA_LONG, F_FLAG) & ST_NOEXEC) != 0;
    }

    private MemorySegment strings(List<String> strings) {
        MemorySegment array = arena.allocate(ADDRESS, strings.size() + 1L);
        for (int index = 0; index < strings.size(); index++) {
            array.setAtIndex(ADDRESS, index, arena.allocateFrom(strings.get(index)));
        }
        return array;
    }

    /** A pipe, and what has come out of it. */
    private static final class Pipe {
        private static final int MOST_KEPT = 1 << 16;

        /** A program that writes all the time must not keep its reader from looking at the clock. */
        private static final int MOST_READS = 16;

        private final MemorySegment buffer;
        private final int reading;
        private final int writing;
        private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
        private boolean readingClosed;
        private boolean writingClosed;

        private Pipe(MemorySegment buffer, int reading, int writing) {
            this.buffer = buffer;
            this.reading = reading;
            this.writing = writing;
        }

        static Pipe open(Arena arena) {
            MemorySegment ends = arena.allocate(JAVA_INT, 2);
            LibC.Result result = LibC.PIPE2.call(ends, LibC.O_CLOEXEC);
            if (result.failed()) {
                throw new IllegalStateException("pipe2: " + LibC.text(result.errno()));
            }
            return new Pipe(arena.allocate(MOST_KEPT), ends.getAtIndex(JAVA_INT, 0), ends.getAtIndex(JAVA_INT, 1));
        }

        int reading() {
            return reading;
        }

        int writing() {
            return writing;
        }

        /** Writes all that the reader will find; it fits, so this does not wait. */
        void fill(byte[] content) {
            MemorySegment.copy(content, 0, buffer, ValueLayout.JAVA_BYTE, 0, content.length);
            LibC.WRITE.call(writing, buffer, (long) content.length);
            closeWriting();
        }

        /** Reads from this and another one what is there, or comes within a time. */
        void collectWhenReady(Pipe other, MemorySegment polled, int millis) {
            Pipe[] pipes = {this, other};
            boolean more = true;
            for (int turn = 0; more && turn < MOST_READS; turn++) {
                for (int index = 0; index < pipes.length; index++) {
                    polled.set(JAVA_INT, (long) index * POLLFD, pipes[index].readingClosed ? -1 : pipes[index].reading);
                    polled.set(JAVA_SHORT, (long) index * POLLFD + Integer.BYTES, POLLIN);
                    polled.set(JAVA_SHORT, (long) index * POLLFD + REVENTS, (short) 0);
                }
                LibC.POLL.call(polled, (long) pipes.length, turn == 0 ? millis : 0);
                more = false;
                for (int index = 0; index < pipes.length; index++) {
                    if (polled.get(JAVA_SHORT, (long) index * POLLFD + REVENTS) != 0) {
                        more |= pipes[index].collect();
                    }
                }
            }
        }

        String text() {
            return kept.toString(UTF_8);
        }

        void closeWriting() {
            if (!writingClosed) {
                writingClosed = true;
                LibC.CLOSE.call(writing);
            }
        }

        void closeReading() {
            if (!readingClosed) {
                readingClosed = true;
                LibC.CLOSE.call(reading);
            }
        }

        void close() {
            closeWriting();
            closeReading();
        }

        /** Reads once; whether there may be more at once. What is beyond the bound is read and forgotten. */
        private boolean collect() {
            LibC.Result result = LibC.READ.call(reading, buffer, buffer.byteSize());
            if (result.value() <= 0) {
                if (!(result.failed() && result.errno() == LibC.EINTR)) {
                    closeReading();
                }
                return false;
            }
            if (kept.size() < MOST_KEPT) {
                kept.writeBytes(buffer.asSlice(0, result.value()).toArray(ValueLayout.JAVA_BYTE));
            }
            return true;
        }
    }
}
