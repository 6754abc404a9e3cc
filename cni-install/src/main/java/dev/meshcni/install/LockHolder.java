// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the process that holds a record lock on a file, as listed in {@code /proc/locks} (proc_locks(5)). */
final class LockHolder {
    private static final Path LOCKS = Path.of("/proc/locks");

    /** {@code 1: POSIX ADVISORY WRITE 4711 08:01:1234 0 EOF}; one that waits has an arrow after its number. */
    private static final Pattern LINE =
            Pattern.compile("\\d+: \\S+ +\\S+ +\\S+ (-?\\d+) \\p{XDigit}+:\\p{XDigit}+:(\\d+) .*");

    private LockHolder() {}

    /** The process that holds it; empty if there is none, or if it has no PID in this namespace. */
    static Optional<Long> of(Path file) {
        try {
            String inode = Files.getAttribute(file, "unix:ino", LinkOption.NOFOLLOW_LINKS)
                    .toString();
            return Files.readAllLines(LOCKS).stream()
                    .map(LINE::matcher)
                    .filter(Matcher::matches)
                    .filter(line -> line.group(2).equals(inode))
                    .map(line -> Long.valueOf(line.group(1)))
                    .filter(pid -> pid > 0)
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
