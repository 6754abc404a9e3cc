// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.testkit.lane;

import java.util.List;

/**
 * What became of a test class, as a line of a file.
 *
 * @param name of the top-level class
 * @param tests that ran, those that failed or were skipped included
 * @param failed of them
 * @param skipped of them, whether before or while they ran
 * @param millis that it took
 */
record ClassResult(String name, int tests, int failed, int skipped, long millis) {
    private static final String SEPARATOR = " ";

    static ClassResult parse(String line) {
        List<String> fields = List.of(line.split(SEPARATOR, -1));
        return new ClassResult(
                fields.getFirst(),
                Integer.parseInt(fields.get(1)),
                Integer.parseInt(fields.get(2)),
                Integer.parseInt(fields.get(3)),
                Long.parseLong(fields.get(4)));
    }

    String line() {
        return String.join(
                SEPARATOR,
                name,
                Integer.toString(tests),
                Integer.toString(failed),
                Integer.toString(skipped),
                Long.toString(millis));
    }
}
