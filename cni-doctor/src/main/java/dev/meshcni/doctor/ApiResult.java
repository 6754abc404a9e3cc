// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** A value read from the API server, or the reason why it is unknown. */
sealed interface ApiResult<T> {
    /** It was shown. */
    record Known<T>(T value) implements ApiResult<T> {
        public Known {
            requireNonNull(value, "value is null");
        }
    }

    /**
     * It was not.
     *
     * @param why the reason, as text
     * @param remedy what to do about it
     */
    record Unknown<T>(String why, String remedy) implements ApiResult<T> {
        public Unknown {
            requireNonNull(why, "why is null");
            requireNonNull(remedy, "remedy is null");
        }
    }

    /** The value, if it was shown. */
    default Optional<T> known() {
        return switch (this) {
            case Known<T> known -> Optional.of(known.value());
            case Unknown<T> _ -> Optional.empty();
        };
    }

    /** Maps the value, if it is known. */
    default <R> ApiResult<R> map(Function<T, R> function) {
        return switch (this) {
            case Known<T> known -> new Known<>(function.apply(known.value()));
            case Unknown<T> unknown -> new Unknown<>(unknown.why(), unknown.remedy());
        };
    }

    /**
     * Returns the checks for it.
     *
     * @param subject what cannot be said if it was not shown
     */
    default List<Check> checks(String subject, Function<T, List<Check>> checks) {
        return switch (this) {
            case Known<T> known -> checks.apply(known.value());
            case Unknown<T> unknown -> List.of(Check.unknown(subject + ": " + unknown.why(), unknown.remedy()));
        };
    }
}
