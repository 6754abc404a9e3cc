// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static java.util.Objects.requireNonNull;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Gives each option that was not on the command line the value of its environment variable: the option's name in upper
 * case with {@code _} for {@code -}, as Istio's tools have it. Of an option with several names the first counts that
 * has a variable. An empty variable counts as absent. Names of one letter have none, and neither have {@code --help}
 * and {@code --version}: variables such as {@code VERSION} are common, and mean something else.
 */
public final class EnvironmentDefaults implements IDefaultValueProvider {
    private final Map<String, String> environment;

    public EnvironmentDefaults(Map<String, String> environment) {
        this.environment = requireNonNull(environment, "environment is null");
    }

    @Override
    public String defaultValue(ArgSpec argument) {
        return argument instanceof OptionSpec option
                ? variableOf(option).map(environment::get).orElse(argument.defaultValue())
                : argument.defaultValue();
    }

    /** The variable that is set for an option; empty if none is. */
    Optional<String> variableOf(OptionSpec option) {
        return Stream.of(option.names())
                .filter(name -> name.startsWith("--") && !option.usageHelp() && !option.versionHelp())
                .map(EnvironmentDefaults::variable)
                .filter(variable -> !environment.getOrDefault(variable, "").isEmpty())
                .findFirst();
    }

    /** The environment variable of an option. */
    public static String variable(String option) {
        return option.replaceFirst("^--?", "").replace('-', '_').toUpperCase(Locale.ROOT);
    }
}
