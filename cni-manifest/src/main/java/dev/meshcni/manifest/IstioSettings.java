// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The settings that Istio publishes, and our own beside them, as {@code istio-settings.txt} lists them. */
final class IstioSettings {
    private static final String FILE = "istio-settings.txt";
    private static final Map<String, Setting> ALL = new LinkedHashMap<>();
    private static final Map<String, Set<String>> CHILDREN = new TreeMap<>();

    /** What mesh-cni does with a setting. */
    enum Use {
        /** It decides about the resources. */
        READ,
        /** The same; mesh-cni alone has it. */
        OWN,
        /** It is accepted without effect. */
        IGNORED,
        /** It concerns another component, as does all below it. */
        OTHER
    }

    /**
     * One setting.
     *
     * @param path its keys in the spec of an {@code IstioOperator}, separated by dots
     * @param kind the kind of its value, such as {@code flag}
     * @param versions the versions of Istio that have it, such as {@code 1.20-1.23} or {@code 1.28-}
     */
    record Setting(String path, String kind, Use use, String versions) {}

    static {
        read();
    }

    private IstioSettings() {}

    /** All of them by path, in the order of the file. */
    static Map<String, Setting> all() {
        return Collections.unmodifiableMap(ALL);
    }

    /** The setting of a path; empty for one that leads to several, and for one that is not known. */
    static Optional<Setting> find(String path) {
        return Optional.ofNullable(ALL.get(path));
    }

    /** The keys below a path; none where a value is expected. */
    static Set<String> below(String path) {
        return CHILDREN.getOrDefault(path, Set.of());
    }

    private static void read() {
        try (InputStream in = IstioSettings.class.getResourceAsStream(FILE)) {
            new String(in.readAllBytes(), UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .forEach(IstioSettings::add);
        } catch (IOException e) {
            throw new UncheckedIOException(FILE + " cannot be read", e);
        }
    }

    private static void add(String line) {
        String[] columns = line.strip().split(" +", -1);
        String path = columns[0];
        Setting setting = new Setting(path, columns[1], Use.valueOf(columns[2].toUpperCase(Locale.ROOT)), columns[3]);
        if (ALL.put(path, setting) != null) {
            throw new IllegalStateException(FILE + " has " + path + " twice");
        }
        for (String below = path; !below.isEmpty(); ) {
            int dot = below.lastIndexOf('.');
            String above = dot < 0 ? "" : below.substring(0, dot);
            CHILDREN.computeIfAbsent(above, _ -> new TreeSet<>()).add(below.substring(dot + 1));
            below = above;
        }
    }
}
