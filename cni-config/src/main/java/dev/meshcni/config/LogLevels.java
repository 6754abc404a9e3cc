// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Log levels by scope, as Istio writes them: {@code info}, {@code all:warn} or {@code default:info,cni-agent:debug}. A
 * level without a scope is that of {@code default}; {@code all} replaces what is written before it.
 */
public final class LogLevels {
    /** The levels, from the most to the least that is logged. */
    public enum Level {
        DEBUG,
        INFO,
        WARN,
        ERROR,
        /** Istio's level of messages before an exit. */
        FATAL,
        NONE;

        /** The name in settings. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Optional<Level> named(String label) {
            return Arrays.stream(values())
                    .filter(level -> level.label().equalsIgnoreCase(label))
                    .findFirst();
        }
    }

    private static final String ALL = "all";
    private static final String DEFAULT = "default";

    private final Map<String, Level> levels;

    private LogLevels(Map<String, Level> levels) {
        this.levels = levels;
    }

    /**
     * Parses levels.
     *
     * @throws IllegalArgumentException if a part is not {@code LEVEL} or {@code SCOPE:LEVEL}, with what is allowed
     */
    public static LogLevels parse(String text) {
        requireNonNull(text, "text is null");
        Map<String, Level> levels = new LinkedHashMap<>();
        for (String part : text.split(",", -1)) {
            int colon = part.indexOf(':');
            String scope = colon < 0 ? DEFAULT : part.substring(0, colon).strip();
            Level level = Level.named(part.substring(colon + 1).strip())
                    .filter(_ -> !scope.isEmpty())
                    .orElseThrow(() -> new IllegalArgumentException("is '" + text + "', but must be a level, "
                            + allowed() + ", or levels by scope, such as default:info,cni-agent:debug"));
            if (scope.equals(ALL)) {
                levels.clear();
            }
            levels.put(scope, level);
        }
        return new LogLevels(levels);
    }

    /** The daemon's level: that of Istio's scope {@code cni-agent}, {@code cni} before Istio 1.24, or the default. */
    public Level daemon() {
        return first("cni-agent", "cni", ALL, DEFAULT).orElse(Level.INFO);
    }

    /** The plugin's level, as far as its scope {@code cni-plugin} or {@code all} sets it. */
    public Optional<Level> plugin() {
        return first("cni-plugin", ALL);
    }

    private Optional<Level> first(String... scopes) {
        return Arrays.stream(scopes)
                .filter(levels::containsKey)
                .map(levels::get)
                .findFirst();
    }

    private static String allowed() {
        return Arrays.stream(Level.values()).map(Level::label).collect(Collectors.joining(", "));
    }
}
