// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.iptables;

import static java.util.Objects.requireNonNull;

import dev.meshcni.redirect.ParameterText;
import dev.meshcni.rules.InvalidParameterException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * The texts of flags: from the command line, else from the environment, as Istio's tools have it. Each flag is also a
 * variable, its name in upper case with {@code _} for {@code -}; a few have another variable besides, which wins.
 */
final class Settings {
    private static final Logger LOG = System.getLogger(Settings.class.getName());

    private final ParseResult commandLine;
    private final Map<String, String> environment;

    Settings(ParseResult commandLine, Map<String, String> environment) {
        this.commandLine = requireNonNull(commandLine, "commandLine is null");
        this.environment = Map.copyOf(environment);
    }

    /**
     * A text that was given.
     *
     * @param where where it stands, with its name: for errors, and for the origin of rules
     * @param text as it stands there
     */
    record Setting(String where, String text) {}

    /** The text of a flag, even if it is empty; nothing where the flag was not given in any way. */
    Optional<Setting> text(IptablesFlag flag) {
        OptionSpec given = commandLine.matchedOption(flag.longName());
        if (given != null) {
            return Optional.of(
                    new Setting("flag " + flag.longName(), given.stringValues().getLast()));
        }
        return otherVariable(flag)
                .flatMap(this::variable)
                .or(() ->
                        variable(flag.longName().substring(2).replace('-', '_').toUpperCase(Locale.ROOT)));
    }

    /** Returns whether nothing was said, neither on the command line nor by variables of the flags. */
    boolean isEmpty() {
        return Stream.of(IptablesFlag.values()).allMatch(flag -> text(flag).isEmpty());
    }

    /** The text of a flag for which an empty text means the default. */
    Optional<Setting> nonEmptyText(IptablesFlag flag) {
        return text(flag).filter(setting -> !setting.text().isBlank());
    }

    /** The text of a variable. */
    Optional<Setting> variable(String name) {
        return Optional.ofNullable(environment.get(name)).map(text -> new Setting("variable " + name, text));
    }

    /** A truth value. A variable that is neither true nor false does not count, as in Istio. */
    Optional<Setting> truth(IptablesFlag flag) {
        Optional<Setting> setting = text(flag);
        try {
            setting.ifPresent(given -> ParameterText.flag(given.where(), given.text()));
            return setting;
        } catch (InvalidParameterException e) {
            if (commandLine.hasMatchedOption(flag.longName())) {
                throw e;
            }
            LOG.log(Level.WARNING, "{0}; ignored", e.getMessage());
            return Optional.empty();
        }
    }

    /** Returns whether a switch is on. */
    boolean isOn(IptablesFlag flag) {
        return truth(flag)
                .map(setting -> ParameterText.flag(setting.where(), setting.text()))
                .orElse(false);
    }

    private static Optional<String> otherVariable(IptablesFlag flag) {
        return switch (flag) {
            case REDIRECT_DNS -> Optional.of("ISTIO_META_DNS_CAPTURE");
            case DROP_INVALID -> Optional.of("INVALID_DROP");
            case DUAL_STACK -> Optional.of("ISTIO_DUAL_STACK");
            default -> Optional.empty();
        };
    }
}
