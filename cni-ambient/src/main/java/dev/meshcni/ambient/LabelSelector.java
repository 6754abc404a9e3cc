// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Kubernetes' {@code LabelSelector} (meta/v1): all of its parts have to match, and one without parts matches
 * everything.
 *
 * @param matchLabels the value that each of these labels must have
 * @param matchExpressions further requirements
 */
public record LabelSelector(Map<String, String> matchLabels, List<Requirement> matchExpressions) {
    /** What matches everything. */
    public static final LabelSelector EVERYTHING = new LabelSelector(Map.of(), List.of());

    /** What is required of a label, by the names of Kubernetes. */
    public enum Operator {
        /** It is there, with one of the values. */
        IN("In"),
        /** It is not there, or with another value than these. */
        NOT_IN("NotIn"),
        /** It is there. */
        EXISTS("Exists"),
        /** It is not there. */
        DOES_NOT_EXIST("DoesNotExist");

        private final String text;

        Operator(String text) {
            this.text = text;
        }

        /** As Kubernetes writes it. */
        public String text() {
            return text;
        }

        boolean takesValues() {
            return this == IN || this == NOT_IN;
        }
    }

    /**
     * A requirement of one label.
     *
     * @param key the label's name
     * @param operator what is required
     * @param values the values; none for {@code Exists} and {@code DoesNotExist}, one or more otherwise
     */
    public record Requirement(String key, Operator operator, Set<String> values) {
        public Requirement {
            requireNonNull(key, "key is null");
            requireNonNull(operator, "operator is null");
            values = Set.copyOf(values);
            if (values.isEmpty() == operator.takesValues()) {
                throw new IllegalArgumentException(operator.text() + " with " + values.size() + " values");
            }
        }

        boolean matches(Map<String, String> labels) {
            boolean there = labels.containsKey(key);
            return switch (operator) {
                case IN -> there && values.contains(labels.get(key));
                case NOT_IN -> !there || !values.contains(labels.get(key));
                case EXISTS -> there;
                case DOES_NOT_EXIST -> !there;
            };
        }
    }

    public LabelSelector {
        matchLabels = Map.copyOf(matchLabels);
        matchExpressions = List.copyOf(matchExpressions);
    }

    /** Returns whether labels are as required. */
    public boolean matches(Map<String, String> labels) {
        return labels.entrySet().containsAll(matchLabels.entrySet())
                && matchExpressions.stream().allMatch(requirement -> requirement.matches(labels));
    }

    /** The names of the labels that it asks for. */
    Stream<String> keys() {
        return Stream.concat(
                matchLabels.keySet().stream(), matchExpressions.stream().map(Requirement::key));
    }
}
