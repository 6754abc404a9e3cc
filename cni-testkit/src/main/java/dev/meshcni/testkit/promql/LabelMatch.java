// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.promql;

import java.util.regex.Pattern;

/** A condition on a label, such as {@code result!="SUCCESS"}. */
record LabelMatch(String label, String operator, String value) {
    boolean accepts(Labels labels) {
        String actual = labels.value(label);
        return switch (operator) {
            case "=" -> actual.equals(value);
            case "!=" -> !actual.equals(value);
            case "=~" -> Pattern.matches(value, actual);
            case "!~" -> !Pattern.matches(value, actual);
            default -> throw new IllegalArgumentException(operator + " compares no labels");
        };
    }
}
