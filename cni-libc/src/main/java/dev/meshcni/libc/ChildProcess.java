// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.libc;

import com.sun.jna.Pointer;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.core.spi.RedirectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Runs a program to its end, on the calling thread and so in its network namespace ({@code posix_spawn(3)}).
 *
 * <p>Not {@link ProcessBuilder}: that one starts a reaper thread from the calling thread, pooled for the next minute,
 * which would live in the pod's namespace and keep it alive; and it starts a second program in between. Input is a
 * memory file, and output is read while the program runs, so neither waits for the other.
 *
 * <p>What a program is asked about belongs to a pod, which may have made it as large as it likes. So there are bounds
 * on what a program may print, use of memory and take of time, and one that goes beyond them is killed.
 */
public final class ChildProcess {
    private static final short POSIX_SPAWN_SETSIGMASK = 8;
    private static final int STRUCTURE_SIZE = 512;

    /**
     * In bytes: what a program may print. Rules are printed in about 110 bytes each, in JSON in about 370, so there is
     * room for the 4,096 rules that a pod may have of ours, in either form.
     */
    public static final int MAX_OUTPUT = 2 << 20;

    /** In bytes: what is kept of a program's messages; the rest is dropped. */
    public static final int MAX_MESSAGES = 4 << 10;

    /** In bytes: the memory that a program may map; {@code nft} takes 25 MB for 2,000 rules. */
    private static final long MAX_MEMORY = 256 << 20;

    /**
     * What a program left: its exit status (128 + N if signal N ended it) and its output, each byte as one character
     * (ISO 8859-1), as a pod can have names and comments that are in no encoding.
     */
    public record Output(int status, String stdout, String stderr) {}

    /** A program has printed more or taken longer than it may, and was killed. */
    public static final class ExcessException extends RedirectException {
        private static final long serialVersionUID = 1L;

        ExcessException(String message) {
            super(message);
        }
    }

    private record Step(Deadline deadline, OutputBudget budget) {}

    private static final ScopedValue<Step> STEP = ScopedValue.newInstance();

    private ChildProcess() {}

    /**
     * Runs an action in which programs are killed when a deadline has passed, if their own bound does not come first.
     *
     * @return what the action returns
     */
    public static <T> T within(Deadline deadline, Supplier<T> action) {
        if (STEP.isBound()) {
            return ScopedValue.where(STEP, new Step(deadline, STEP.get().budget()))
                    .call(action::get);
        }
        try (OutputBudget budget = new OutputBudget(deadline)) {
            return ScopedValue.where(STEP, new Step(deadline, budget)).call(action::get);
        }
    }

    /** Waits for room for a large listing, where somebody has said how long that may take. */
    public static void takeRoom() {
        if (STEP.isBound()) {
            STEP.get().budget().take();
        }
    }

    /**
     * Runs a program.
     *
     * @param program its file
     * @param arguments what follows the program's name
     * @param environment all of its environment, as {@code NAME=VALUE}
     * @param input its standard input, each character one byte (ISO 8859-1)
     * @param bound how long it may take before it is killed
     * @throws ExcessException if it prints more than {@link #MAX_OUTPUT} or does not end within its bound
     * @throws RedirectException if it cannot be started, or the time of the call is over before
     * @see #within
     */
    public static Output run(
            Path program, List<String> arguments, List<String> environment, String input, Duration bound) {
        int stdin = memoryFile(input.getBytes(StandardCharsets.ISO_8859_1));
        try (OutputPipe stdout = new OutputPipe();
                OutputPipe stderr = new OutputPipe();
                RunningProgram running = new RunningProgram(
                        spawn(program, arguments, environment, new int[] {stdin, stdout.in(), stderr.in()}))) {
            running.limitMemory(MAX_MEMORY);
            Optional<Step> step = STEP.isBound() ? Optional.of(STEP.get()) : Optional.empty();
            StringBuilder printed = new StringBuilder();
            StringBuilder messages = new StringBuilder();
            Duration allowed = step.map(s -> s.deadline().atMost(bound)).orElse(bound);
            int status = running.await(
                            Map.of(
                                    stdout, part -> keep(printed, part, program, step),
                                    stderr, part -> keepSome(messages, part)),
                            allowed)
                    .orElseThrow(() -> late(program, allowed, bound));
            return new Output(status, printed.toString(), messages.toString().strip());
        } finally {
            LibC.close(stdin);
        }
    }

    private static void keep(StringBuilder printed, String part, Path program, Optional<Step> step) {
        if (printed.length() + part.length() > MAX_OUTPUT) {
            throw new ExcessException(program + " printed more than " + (MAX_OUTPUT >> 20) + " MiB and was killed");
        }
        if (printed.length() + part.length() > OutputBudget.FREE) {
            step.ifPresent(s -> s.budget().take());
        }
        printed.append(part);
    }

    private static void keepSome(StringBuilder messages, String part) {
        messages.append(part, 0, Math.min(part.length(), MAX_MESSAGES - messages.length()));
    }

    private static RedirectException late(Path program, Duration allowed, Duration bound) {
        String message = program + " did not finish within " + allowed.toMillis() + " ms and was killed";
        return allowed.equals(bound) ? new ExcessException(message) : new RedirectException(message);
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

    private static int memoryFile(byte[] content) {
        int fd = LibC.check(LibC.memfd_create("meshcni", LibC.MFD_CLOEXEC), "creating a memory file");
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
}
