// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

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
    /** Results that are runs of a process. */
    static Result ofProcesses(String name, List<ChildProcess.Usage> runs, Optional<Series> memory) {
        return new Result(
                name,
                series(runs, ChildProcess.Usage::wallMillis),
                Optional.of(series(runs, ChildProcess.Usage::cpuMillis)),
                memory,
                Optional.of(series(runs, ChildProcess.Usage::touchedKibibytes)));
    }

    private static Series series(List<ChildProcess.Usage> runs, Function<ChildProcess.Usage, Double> measure) {
        return Series.of(runs.stream().map(measure).toList());
    }

    /** Results that are no process of their own. */
    static Result ofCall(String name, Series wall) {
        return new Result(name, wall, Optional.empty(), Optional.empty(), Optional.empty());
    }
}
