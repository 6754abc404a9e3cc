// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The table of modules and packages in {@code CONTRIBUTING.md}, from the top to the bottom.
 *
 * @param modules the packages of each directory, both in the table's order
 */
record Rooms(Map<String, List<String>> modules) {
    private static final Pattern ROW = Pattern.compile("\\| `(cni-[a-z-]+)` \\| ([^|]+) \\| [^|]+ \\|");
    private static final Pattern NAME = Pattern.compile("`([a-z.]+)`");
    private static final String PREFIX = "dev.meshcni.";

    static Rooms ofContributing() {
        Map<String, List<String>> modules = new LinkedHashMap<>();
        try {
            for (String line : Files.readAllLines(Path.of("../CONTRIBUTING.md"))) {
                Matcher row = ROW.matcher(line);
                if (row.matches()) {
                    modules.put(
                            row.group(1),
                            NAME.matcher(row.group(2))
                                    .results()
                                    .map(name -> PREFIX + name.group(1))
                                    .toList());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Rooms(modules);
    }

    List<String> packages() {
        return modules.values().stream().flatMap(List::stream).toList();
    }

    /** The JPMS modules, in the table's order. */
    List<String> moduleNames() {
        return modules.values().stream().map(Rooms::moduleName).toList();
    }

    /** The packages of a JPMS module; none if it is not in the table. */
    List<String> packagesOf(String moduleName) {
        return modules.values().stream()
                .filter(packages -> moduleName(packages).equals(moduleName))
                .findFirst()
                .orElse(List.of());
    }

    /** Whether a dependency between two packages of the product points up, or to a package that is not in the table. */
    boolean pointsUp(String from, String to) {
        if (from.equals(to) || !to.startsWith(PREFIX)) {
            return false;
        }
        List<String> order = packages();
        return order.indexOf(to) < order.indexOf(from);
    }

    /** The modules that only the command line has: those above the daemon. */
    Set<String> commandLine() {
        List<String> names = moduleNames();
        return Set.copyOf(names.subList(0, names.indexOf(PREFIX + "daemon")));
    }

    /** A module is named like the package that its others begin with. */
    private static String moduleName(List<String> packages) {
        return packages.stream().min(Comparator.comparingInt(String::length)).orElseThrow();
    }
}
