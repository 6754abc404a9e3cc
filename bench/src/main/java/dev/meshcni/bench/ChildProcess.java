// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Runs a process to its end and measures it, by {@code posix_spawn(3)} and {@code wait4(2)}: {@link ProcessBuilder}
 * starts another process in between, and tells nothing of CPU time.
 */
final class ChildProcess {
    private static final int O_RDONLY = 0;
    private static final int O_WRONLY = 1;
    private static final int WNOHANG = 1;
    private static final long FILE_ACTIONS_BYTES = 256;
    private static final long RUSAGE_BYTES = 144;
    private static final int TIMEVAL_LONGS = 2;
    private static final int MINOR_FAULTS = 8;
    private static final double PAGE_KIB = 4;
    private static final double MICROS_PER_MILLI = 1e3;
    private static final double KIB_PER_MIB = 1024;

    private static final MethodHandle SPAWN = handle(
            "posix_spawn", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle INIT =
            handle("posix_spawn_file_actions_init", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    private static final MethodHandle OPEN = handle(
            "posix_spawn_file_actions_addopen",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle WAIT =
            handle("wait4", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));

    private final List<String> command;
    private final Map<String, String> environment;
    private final Path input;

    ChildProcess(List<String> command, Map<String, String> environment, Path input) {
        this.command = List.copyOf(command);
        this.environment = Map.copyOf(environment);
        this.input = input;
    }

    /**
     * What a run took.
     *
     * @param wallMillis from before its start until it has been waited for
     * @param cpuMillis user and system time of all its threads
     * @param touchedKibibytes the pages that it touched for the first time (page faults without a disk)
     */
    record Usage(double wallMillis, double cpuMillis, double touchedKibibytes) {}

    /** Runs it, and measures time. */
    Usage run() {
        try (Arena arena = Arena.ofConfined()) {
            Prepared prepared = prepare(arena);
            long start = System.nanoTime();
            int pid = spawn(prepared);
            waitFor(pid, 0, prepared);
            double wall = (System.nanoTime() - start) / (double) TimeUnit.MILLISECONDS.toNanos(1);
            return new Usage(wall, prepared.cpuMillis(), prepared.touchedKibibytes());
        }
    }

    /** Runs it, and looks at its peak of resident memory until it ends; in MiB. */
    double peakMemory() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Prepared prepared = prepare(arena);
            int pid = spawn(prepared);
            double peak = 0;
            do {
                peak = Math.max(peak, highWaterMark(pid));
            } while (waitFor(pid, WNOHANG, prepared) == 0);
            return peak;
        }
    }

    private static double highWaterMark(int pid) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / KIB_PER_MIB)
                    .max()
                    .orElse(0);
        }
    }

    private Prepared prepare(Arena arena) {
        MemorySegment actions = arena.allocate(FILE_ACTIONS_BYTES, Long.BYTES);
        call(INIT, actions);
        call(OPEN, actions, 0, arena.allocateFrom(input.toString()), O_RDONLY, 0);
        call(OPEN, actions, 1, arena.allocateFrom("/dev/null"), O_WRONLY, 0);
        call(OPEN, actions, 2, arena.allocateFrom("/dev/null"), O_WRONLY, 0);
        return new Prepared(
                arena.allocateFrom(command.getFirst()),
                actions,
                strings(arena, command),
                strings(
                        arena,
                        environment.entrySet().stream()
                                .map(variable -> variable.getKey() + "=" + variable.getValue())
                                .toList()),
                arena.allocate(JAVA_INT),
                arena.allocate(JAVA_INT),
                arena.allocate(RUSAGE_BYTES, Long.BYTES));
    }

    private int spawn(Prepared prepared) {
        int error = call(
                SPAWN,
                prepared.pid(),
                prepared.path(),
                prepared.actions(),
                MemorySegment.NULL,
                prepared.arguments(),
                prepared.environment());
        if (error != 0) {
            throw new BenchException("cannot start " + command + ": error " + error);
        }
        return prepared.pid().get(JAVA_INT, 0);
    }

    private int waitFor(int pid, int options, Prepared prepared) {
        int ended = call(WAIT, pid, prepared.status(), options, prepared.usage());
        if (ended == pid && prepared.status().get(JAVA_INT, 0) != 0) {
            throw new BenchException(
                    command + " failed with status " + prepared.status().get(JAVA_INT, 0));
        }
        return ended;
    }

    private static MemorySegment strings(Arena arena, List<String> strings) {
        MemorySegment array = arena.allocate(ADDRESS, strings.size() + 1L);
        for (int i = 0; i < strings.size(); i++) {
            array.setAtIndex(ADDRESS, i, arena.allocateFrom(strings.get(i)));
        }
        return array;
    }

    @SuppressWarnings("restricted") // the command line allows it: --enable-native-access
    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        SymbolLookup libc = Linker.nativeLinker().defaultLookup();
        return Linker.nativeLinker().downcallHandle(libc.findOrThrow(name), descriptor);
    }

    private static int call(MethodHandle function, Object... arguments) {
        try {
            return (int) function.invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new BenchException("a call of the C library failed", e);
        }
    }

    /** The arguments of the calls, as the C library takes them. */
    private record Prepared(
            MemorySegment path,
            MemorySegment actions,
            MemorySegment arguments,
            MemorySegment environment,
            MemorySegment pid,
            MemorySegment status,
            MemorySegment usage) {
        /** User and system time, the first two fields of {@code struct rusage}. */
        double cpuMillis() {
            double micros = 0;
            for (int field = 0; field < 2; field++) {
                micros += usage.getAtIndex(JAVA_LONG, (long) field * TIMEVAL_LONGS) * 1e6
                        + usage.getAtIndex(JAVA_LONG, (long) field * TIMEVAL_LONGS + 1);
            }
            return micros / MICROS_PER_MILLI;
        }

        /** {@code ru_minflt}. */
        double touchedKibibytes() {
            return usage.getAtIndex(JAVA_LONG, MINOR_FAULTS) * PAGE_KIB;
        }
    }
}
