// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Truth values as programs in Go read them (strconv.ParseBool), and so those that DaemonSets of Istio's have. */
public final class TruthValue implements ITypeConverter<Boolean> {
    private TruthValue() {}

    /** Lets the options of a command line, and of its commands, be read so. */
    public static void registerIn(CommandLine commandLine) {
        commandLine.registerConverter(Boolean.class, new TruthValue());
        commandLine.registerConverter(Boolean.TYPE, new TruthValue());
    }

    @Override
    public Boolean convert(String text) {
        return switch (text) {
            case "1", "t", "T", "true", "True", "TRUE" -> true;
            case "0", "f", "F", "false", "False", "FALSE" -> false;
            default ->
                throw new TypeConversionException("expected true or false (or 1, t, T, TRUE, True, 0, f, F, FALSE,"
                        + " False) but was '" + text + "'");
        };
    }
}
