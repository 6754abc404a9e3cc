// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import java.util.List;

/**
 * The selection of a list parameter: everything ({@code *}), or only the items it names, possibly none.
 *
 * @param <T> what is selected: ports, address blocks or groups
 */
public sealed interface Selection<T> {
    /** Everything. */
    record All<T>() implements Selection<T> {}

    /** Only these, in the order given, each once. */
    record Only<T>(List<T> items) implements Selection<T> {
        public Only {
            items = items.stream().distinct().toList();
        }
    }

    /** Selects everything. */
    static <T> Selection<T> all() {
        return new All<>();
    }

    /** Selects nothing. */
    static <T> Selection<T> none() {
        return new Only<>(List.of());
    }

    /** Selects the items and nothing else. */
    static <T> Selection<T> only(List<T> items) {
        return new Only<>(items);
    }

    /** Returns whether nothing is selected. */
    default boolean isNone() {
        return items().isEmpty() && !isAll();
    }

    /** Returns whether everything is selected. */
    default boolean isAll() {
        return this instanceof All<T>;
    }

    /** The selected items; empty if everything is selected. */
    default List<T> items() {
        return List.of();
    }
}
