package dev.meshcni.bench;

import java.util.Optional;

/**
 * What was measured of one thing.
 *
 * @param name what it is
 * @param wall milliseconds from start to end
 * @param cpu milliseconds of CPU time, where it is a process
 * @param memory MiB of resident memory at the peak, where it is a process that lives long enough to be looked at
 * @param touched KiB of pages that it touched, where it is a process
 */
record Result(String name, Series wall, Optional<Series> cpu, Optional<Series> memory, Optional<Series> touched) {
    /** What is no process of its own. */
    static Result ofCall(String name, Series wall) {
        return new Result(name, wall, Optional.empty(), Optional.empty(), Optional.empty());
    }
}
