// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.bench;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** A part of the benchmark that can be run alone. */
enum Part {
    /** An agent that knows many pods. */
    LOAD,
    /** All pods of a node at once. */
    BURST,
    /** The backends with many rules. */
    SCALE,
    /** The same rules by netlink, by the programs and by the kernel alone. */
    WAYS,
    /** Processes, and calls of the agent. */
    PROCESSES,
    /** ADDs that join the ambient mesh. */
    MESH,
    /** Beside Istio's plugin. */
    ISTIO;

    /**
     * The parts that are named, separated by commas, or {@code all}.
     *
     * @throws BenchException if there is no such part
     */
    static Set<Part> named(String names) {
        if (names.equals("all")) {
            return EnumSet.allOf(Part.class);
        }
        Set<Part> parts = EnumSet.noneOf(Part.class);
        for (String name : names.split(",", -1)) {
            parts.add(Arrays.stream(values())
                    .filter(part -> part.label().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new BenchException("no part is named '" + name + "'; there are "
                            + Arrays.stream(values()).map(Part::label).collect(Collectors.joining(", ")))));
        }
        return parts;
    }

    private String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
