// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.math.BigInteger;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Values of scalars without quotes, resolved as by kubectl, Helm and istioctl: YAML 1.1 as Go's library reads it, where
 * {@code yes} and {@code on} are booleans and a leading zero is octal.
 */
final class PlainScalar {
    private static final Set<String> TRUE =
            Set.of("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON");
    private static final Set<String> FALSE =
            Set.of("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF");
    private static final Set<String> NULL = Set.of("", "~", "null", "Null", "NULL");
    private static final Pattern INTEGER =
            Pattern.compile("(?<sign>[-+]?)(?:0[xX](?<hex>[0-9a-fA-F]+)|0[bB](?<binary>[01]+)"
                    + "|0[oO]?(?<octal>[0-7]+)|(?<decimal>0|[1-9][0-9]*))");
    private static final Pattern DECIMAL =
            Pattern.compile("[-+]?(?:\\.[0-9]+|[0-9]+(?:\\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?");
    private static final Pattern SPECIAL = Pattern.compile("(?<sign>[-+]?)\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN)");

    private PlainScalar() {}

    /** A string, number, boolean or {@link Yaml.Scalar#NULL}. Numbers may have any size. */
    static Object value(String text) {
        if (NULL.contains(text)) {
            return Yaml.Scalar.NULL;
        }
        if (TRUE.contains(text) || FALSE.contains(text)) {
            return TRUE.contains(text);
        }
        return number(text).<Object>map(number -> number).orElse(text);
    }

    private static Optional<Number> number(String text) {
        if ("+-.0123456789".indexOf(text.charAt(0)) < 0) {
            return Optional.empty();
        }
        String digits = text.replace("_", "");
        Matcher integer = INTEGER.matcher(digits);
        if (integer.matches()) {
            return Optional.of(shortest(integer(integer)));
        }
        if (DECIMAL.matcher(digits).matches()) {
            return Optional.of(Double.valueOf(digits));
        }
        Matcher special = SPECIAL.matcher(text);
        if (!special.matches()) {
            return Optional.empty();
        }
        return Optional.of(
                special.group("sign") == null
                        ? Double.NaN
                        : special.group("sign").equals("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
    }

    private static BigInteger integer(Matcher integer) {
        String sign = integer.group("sign").equals("-") ? "-" : "";
        if (integer.group("hex") != null) {
            return new BigInteger(sign + integer.group("hex"), 16);
        }
        if (integer.group("binary") != null) {
            return new BigInteger(sign + integer.group("binary"), 2);
        }
        return integer.group("octal") != null
                ? new BigInteger(sign + integer.group("octal"), 8)
                : new BigInteger(sign + integer.group("decimal"));
    }

    private static Number shortest(BigInteger value) {
        if (value.bitLength() < Integer.SIZE) {
            return value.intValueExact();
        }
        return value.bitLength() < Long.SIZE ? (Number) value.longValueExact() : value;
    }
}
