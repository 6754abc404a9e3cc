// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** An expression of PromQL, of the part that our alerts and panels use. */
sealed interface Expression {
    /** A number. */
    record Scalar(double value) implements Expression {}

    /** The series that have these labels; with a range their samples of that time instead of the latest one. */
    record Selector(List<LabelMatch> matches, Optional<Duration> range) implements Expression {}

    /** A function of other expressions. */
    record Call(String function, List<Expression> arguments) implements Expression {}

    /** One value for all series whose {@code labels} are the same. */
    record Aggregation(String operator, List<String> labels, Expression operand) implements Expression {}

    /** Arithmetic, a comparison that filters, or a set operation. */
    record Operation(String operator, Expression left, Expression right) implements Expression {}
}
