// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.demo;

import java.io.PrintWriter;
import java.util.stream.Stream;

/** The demo's output, and whether all its checks passed. */
final class DemoTalk {
    private static final int COLUMNS = 100;
    private static final String LISTED = "     | ";

    /** The room for a line of a listing. */
    static final int LISTED_COLUMNS = COLUMNS - LISTED.length();

    private static final String ARROW = " -> ";
    private static final String CONTINUED = "        ";

    private final PrintWriter out;
    private int scenes;
    private int proven;
    private int failed;

    DemoTalk(PrintWriter out) {
        this.out = out;
    }

    /** Begins a part. */
    void scene(String name, String what) {
        scenes++;
        out.printf("%n%d. %s: %s%n", scenes, name, what);
        out.flush();
    }

    /** Says something. */
    void say(String text) {
        text.lines().forEach(line -> print("   ", "     ", line));
        out.flush();
    }

    /** Says something that is longer, such as a listing. */
    void show(Stream<String> lines) {
        lines.forEach(line -> print(LISTED, "     |     ", line));
        out.flush();
    }

    /** Says what was expected and what came, and remembers whether they are the same. */
    void proof(String what, String expected, String actual) {
        boolean same = expected.equals(actual);
        if (same) {
            proven++;
        } else {
            failed++;
        }
        String first = same ? "   ok   " : "   FAIL ";
        if (first.length() + what.length() + actual.length() + ARROW.length() > COLUMNS) {
            print(first, CONTINUED, what);
            print(CONTINUED, CONTINUED, ARROW.strip() + " " + actual);
        } else {
            print(first, CONTINUED, what + ARROW + actual);
        }
        if (!same) {
            out.printf("        expected: %s%n", expected);
        }
        out.flush();
    }

    /** Sums up. */
    void end() {
        out.printf("%n%d of %d checks passed%n", proven, proven + failed);
        out.flush();
    }

    /** Prints a line that fits a terminal: what is longer goes on below. */
    private void print(String first, String next, String text) {
        String prefix = first;
        String rest = text;
        while (prefix.length() + rest.length() > COLUMNS) {
            int end = rest.lastIndexOf(' ', COLUMNS - prefix.length());
            if (rest.substring(0, Math.max(end, 0)).isBlank()) {
                break;
            }
            out.println(prefix + rest.substring(0, end));
            rest = rest.substring(end + 1);
            prefix = next;
        }
        out.println(prefix + rest);
    }

    boolean allProven() {
        return failed == 0 && proven > 0;
    }
}
