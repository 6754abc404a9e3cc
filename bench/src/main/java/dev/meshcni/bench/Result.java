package dev.meshcni.bench;

import java.util.Optional;

/**
 * What was measured of one thing.
 *
 * @param name what it is
 * @param wall milliseconds from start to end
 * @param cpu milliseconds of CPU time, where it is a process
 * @param memory MiB of resident memory at the peak, where it is a process that lives long enough to be looked at
 */
record Result(String name, Series wall, Optional<Series> cpu, Optional<Series> memory) {}
