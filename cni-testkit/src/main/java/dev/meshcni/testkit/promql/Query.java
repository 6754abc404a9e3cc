// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import dev.meshcni.testkit.promql.Expression.Aggregation;
import dev.meshcni.testkit.promql.Expression.Call;
import dev.meshcni.testkit.promql.Expression.Operation;
import dev.meshcni.testkit.promql.Expression.Scalar;
import dev.meshcni.testkit.promql.Expression.Selector;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.DoubleBinaryOperator;
import java.util.stream.DoubleStream;

/** An expression that is evaluated as Prometheus does it. */
public final class Query {
    private static final List<String> NAME = List.of(Labels.NAME);

    private final String text;
    private final Expression expression;

    private Query(String text) {
        this.text = text;
        this.expression = PromQlParser.parse(text);
    }

    /** Parses an expression. */
    public static Query of(String text) {
        return new Query(text);
    }

    /** The values at a time, by the labels of their series. */
    public Map<Labels, Double> evaluate(SeriesStore store, Instant at) {
        return switch (new Evaluation(store, at).of(expression)) {
            case Value.Vector(Map<Labels, Double> values) -> values;
            case Value.Single(double value) -> Map.of(Labels.NONE, value);
        };
    }

    @Override
    public String toString() {
        return text;
    }

    private sealed interface Value {
        record Single(double value) implements Value {}

        record Vector(Map<Labels, Double> values) implements Value {}
    }

    private record Evaluation(SeriesStore store, Instant at) {
        Value of(Expression expression) {
            return switch (expression) {
                case Scalar(double value) -> new Value.Single(value);
                case Selector selector -> new Value.Vector(instant(selector));
                case Call call -> new Value.Vector(call(call));
                case Aggregation(String operator, List<String> labels, Expression operand) ->
                    new Value.Vector(aggregated(operator, labels, vector(operand)));
                case Operation(String operator, Expression left, Expression right) ->
                    operation(operator, of(left), of(right));
            };
        }

        private Map<Labels, Double> instant(Selector selector) {
            if (selector.range().isPresent()) {
                throw new IllegalArgumentException("a range stands where a function of it has to");
            }
            return store.latest(selector.matches(), at);
        }

        private Map<Labels, Double> vector(Expression expression) {
            return switch (of(expression)) {
                case Value.Vector(Map<Labels, Double> values) -> values;
                case Value.Single _ -> throw new IllegalArgumentException("a number stands where series have to");
            };
        }

        private double number(Expression expression) {
            return switch (of(expression)) {
                case Value.Single(double value) -> value;
                case Value.Vector _ -> throw new IllegalArgumentException("series stand where a number has to");
            };
        }

        private Map<Labels, Double> call(Call call) {
            List<Expression> arguments = call.arguments();
            return switch (call.function()) {
                case "vector" -> Map.of(Labels.NONE, number(arguments.getFirst()));
                case "absent" ->
                    vector(arguments.getFirst()).isEmpty() ? Map.of(Labels.NONE, 1.0) : Map.<Labels, Double>of();
                case "histogram_quantile" ->
                    Histograms.quantile(number(arguments.getFirst()), vector(arguments.getLast()));
                case "increase", "rate", "avg_over_time", "max_over_time" -> overTime(call);
                default -> throw new IllegalArgumentException("unknown function " + call.function());
            };
        }

        private Map<Labels, Double> overTime(Call call) {
            if (!(call.arguments().getFirst() instanceof Selector selector)
                    || selector.range().isEmpty()) {
                throw new IllegalArgumentException(call.function() + " needs a range, such as [5m]");
            }
            Duration range = selector.range().get();
            Map<Labels, Double> values = new TreeMap<>(SeriesStore.ORDER);
            store.samples(selector.matches(), at, range).forEach((labels, samples) -> {
                double[] found =
                        samples.stream().mapToDouble(SeriesStore.Sample::value).toArray();
                switch (call.function()) {
                    case "avg_over_time" ->
                        values.put(
                                labels.without(NAME),
                                Arrays.stream(found).average().orElseThrow());
                    case "max_over_time" ->
                        values.put(
                                labels.without(NAME), Arrays.stream(found).max().orElseThrow());
                    default ->
                        Counters.increase(samples, at, range)
                                .ifPresent(increase -> values.put(
                                        labels.without(NAME),
                                        call.function().equals("rate")
                                                ? increase / (range.toMillis() / 1e3)
                                                : increase));
                }
            });
            return values;
        }

        private static Map<Labels, Double> aggregated(String operator, List<String> by, Map<Labels, Double> values) {
            Map<Labels, List<Double>> groups = new TreeMap<>(SeriesStore.ORDER);
            values.forEach((labels, value) -> groups.computeIfAbsent(labels.only(by), _ -> new ArrayList<>())
                    .add(value));
            Map<Labels, Double> aggregated = new TreeMap<>(SeriesStore.ORDER);
            groups.forEach((labels, group) -> aggregated.put(labels, aggregate(operator, group)));
            return aggregated;
        }

        private static double aggregate(String operator, Collection<Double> group) {
            DoubleStream values = group.stream().mapToDouble(Double::doubleValue);
            return switch (operator) {
                case "avg" -> values.average().orElseThrow();
                case "count" -> group.size();
                case "max" -> values.max().orElseThrow();
                case "min" -> values.min().orElseThrow();
                case "sum" -> values.sum();
                default -> throw new IllegalArgumentException("unknown aggregation " + operator);
            };
        }

        private static Value operation(String operator, Value left, Value right) {
            if (left instanceof Value.Single(double first) && right instanceof Value.Single(double second)) {
                return new Value.Single(arithmetic(operator).applyAsDouble(first, second));
            }
            return new Value.Vector(
                    switch (operator) {
                        case "or" -> joined(series(left), series(right));
                        case "and" -> kept(series(left), series(right), true);
                        case "unless" -> kept(series(left), series(right), false);
                        case "==", "!=", "<", "<=", ">", ">=" -> compared(operator, left, right);
                        default -> calculated(arithmetic(operator), left, right);
                    });
        }

        private static Map<Labels, Double> series(Value value) {
            if (value instanceof Value.Vector(Map<Labels, Double> values)) {
                return values;
            }
            throw new IllegalArgumentException("a set operation needs series on both sides");
        }

        private static Map<Labels, Double> joined(Map<Labels, Double> left, Map<Labels, Double> right) {
            Map<Labels, Double> joined = new TreeMap<>(SeriesStore.ORDER);
            joined.putAll(left);
            kept(right, left, false).forEach(joined::put);
            return joined;
        }

        /** Of {@code values}, those that have a partner in {@code others}, or those that have none. */
        private static Map<Labels, Double> kept(
                Map<Labels, Double> values, Map<Labels, Double> others, boolean partner) {
            Map<Labels, Double> kept = new TreeMap<>(SeriesStore.ORDER);
            SortedMap<Labels, Double> partners = byKey(others);
            values.forEach((labels, value) -> {
                if (partners.containsKey(labels.without(NAME)) == partner) {
                    kept.put(labels, value);
                }
            });
            return kept;
        }

        private static Map<Labels, Double> compared(String operator, Value left, Value right) {
            Map<Labels, Double> passed = new TreeMap<>(SeriesStore.ORDER);
            switch (left) {
                case Value.Single(double bound) ->
                    series(right).forEach((labels, value) -> {
                        if (holds(operator, bound, value)) {
                            passed.put(labels, value);
                        }
                    });
                case Value.Vector(Map<Labels, Double> values) ->
                    values.forEach((labels, value) -> {
                        Double bound = partner(right, labels);
                        if (bound != null && holds(operator, value, bound)) {
                            passed.put(labels, value);
                        }
                    });
            }
            return passed;
        }

        private static Map<Labels, Double> calculated(DoubleBinaryOperator operator, Value left, Value right) {
            Map<Labels, Double> results = new TreeMap<>(SeriesStore.ORDER);
            switch (left) {
                case Value.Single(double first) ->
                    series(right)
                            .forEach((labels, value) ->
                                    results.put(labels.without(NAME), operator.applyAsDouble(first, value)));
                case Value.Vector(Map<Labels, Double> values) ->
                    values.forEach((labels, value) -> {
                        Double second = partner(right, labels);
                        if (second != null) {
                            results.put(labels.without(NAME), operator.applyAsDouble(value, second));
                        }
                    });
            }
            return results;
        }

        /** The other operand for the series with these labels: the number, or the value with the same labels. */
        private static Double partner(Value right, Labels labels) {
            return switch (right) {
                case Value.Single(double number) -> number;
                case Value.Vector(Map<Labels, Double> values) -> byKey(values).get(labels.without(NAME));
            };
        }

        private static SortedMap<Labels, Double> byKey(Map<Labels, Double> values) {
            SortedMap<Labels, Double> byKey = new TreeMap<>(SeriesStore.ORDER);
            values.forEach((labels, value) -> {
                if (byKey.put(labels.without(NAME), value) != null) {
                    throw new IllegalArgumentException("several series with the labels " + labels.without(NAME));
                }
            });
            return byKey;
        }

        private static boolean holds(String operator, double left, double right) {
            return switch (operator) {
                case "==" -> left == right;
                case "!=" -> left != right;
                case "<" -> left < right;
                case "<=" -> left <= right;
                case ">" -> left > right;
                default -> left >= right;
            };
        }

        private static DoubleBinaryOperator arithmetic(String operator) {
            return switch (operator) {
                case "+" -> Double::sum;
                case "-" -> (left, right) -> left - right;
                case "*" -> (left, right) -> left * right;
                case "/" -> (left, right) -> left / right;
                default -> throw new IllegalArgumentException("unknown operator " + operator);
            };
        }
    }
}
