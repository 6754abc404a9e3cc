// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.demo;

import java.io.PrintWriter;
import java.util.stream.Stream;

/** The demo's output, and whether all its checks passed. */
final class DemoTalk {
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
        text.lines().forEach(line -> out.println("   " + line));
        out.flush();
    }

    /** Says something that is longer, such as a listing. */
    void show(Stream<String> lines) {
        lines.forEach(line -> out.println("     | " + line));
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
        out.printf("   %s %s -> %s%n", same ? "ok  " : "FAIL", what, actual);
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

    boolean allProven() {
        return failed == 0 && proven > 0;
    }
}
