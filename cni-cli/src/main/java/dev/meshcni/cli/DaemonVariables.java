// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import dev.meshcni.config.EnvironmentDefaults;
import dev.meshcni.daemon.InstallCni;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Variables that a manifest sets for the daemon, read as the daemon will read them: with a value that is none it would
 * not start, on any node. Values that depend on the node, such as directories, are left to it.
 */
final class DaemonVariables {
    private DaemonVariables() {}

    /** What is wrong with truth values and numbers among variables. */
    static List<String> mistakes(Map<String, String> variables) {
        return new CommandLine(InstallCni.class)
                .getCommandSpec().options().stream()
                        .filter(option -> option.typeInfo().isBoolean() || option.type() == int.class)
                        .flatMap(option -> Stream.of(option.names()))
                        .filter(name -> variables.containsKey(EnvironmentDefaults.variable(name)))
                        .flatMap(name -> mistake(name, variables.get(EnvironmentDefaults.variable(name))).stream())
                        .toList();
    }

    private static Optional<String> mistake(String option, String value) {
        try {
            InstallCni.commandLine()
                    .setDefaultValueProvider(ArgSpec::defaultValue)
                    .parseArgs(option + "=" + value);
            return Optional.empty();
        } catch (ParameterException e) {
            return Optional.of("the daemon's variable " + EnvironmentDefaults.variable(option) + " is \"" + value
                    + "\", but must be " + expected(e));
        }
    }

    private static String expected(ParameterException failure) {
        return failure.getArgSpec() instanceof OptionSpec option
                        && option.typeInfo().isBoolean()
                ? "true or false"
                : "a whole number";
    }
}
