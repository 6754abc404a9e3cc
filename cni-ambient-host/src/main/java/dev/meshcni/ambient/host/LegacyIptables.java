// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.ChildProcess;
import dev.meshcni.libc.LibC;
import dev.meshcni.libc.Programs;
import dev.meshcni.rules.IpFamily;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The legacy variant of {@code iptables}, on the table nat of the calling thread's network namespace.
 *
 * <p>Unlike in a pod, its lock is the one that all programs of the host use, {@code /run/xtables.lock}: each of them
 * reads a table, changes it and writes it back. The manifests mount it; in a container that neither has that file nor
 * can make one, the lock is the program's own input, as its programs do nothing without a lock.
 *
 * @param suffix what stands between {@code iptables} and {@code -restore} in the names of its programs
 */
record LegacyIptables(String suffix) {
    private static final Duration BOUND = Duration.ofSeconds(10);
    private static final Path LOCK = Path.of("/run/xtables.lock");

    /** The variant that is installed here. */
    static Optional<LegacyIptables> installed() {
        return Stream.of("-legacy", "")
                .map(LegacyIptables::new)
                .filter(LegacyIptables::isComplete)
                .filter(tool -> !tool.versionLine().contains("nf_tables"))
                .findFirst();
    }

    /** Its common name: {@code iptables-legacy 1.8.9}. */
    String version() {
        return versionLine().replaceFirst("^\\S+ v?", "iptables-legacy ").replaceFirst(" \\(.*", "");
    }

    /** The table nat as {@code iptables-save} prints it; empty, without starting anything, where there is none. */
    List<String> nat(IpFamily family) {
        return hasNat(family)
                ? run(program(family, "save"), List.of("-t", "nat"), "")
                        .stdout()
                        .lines()
                        .toList()
                : List.of();
    }

    /** Changes a table as a whole or not at all. */
    void change(IpFamily family, String rules) {
        run(program(family, "restore"), List.of("--noflush", "-w", "5"), rules);
    }

    private boolean isComplete() {
        return Stream.of(IpFamily.values())
                .allMatch(family -> Programs.find(name(family, "restore")).isPresent()
                        && Programs.find(name(family, "save")).isPresent());
    }

    private String versionLine() {
        return run(program(IpFamily.IPV4, "restore"), List.of("--version"), "")
                .stdout()
                .strip();
    }

    private Path program(IpFamily family, String verb) {
        return Programs.find(name(family, verb))
                .orElseThrow(() -> new RedirectException(name(family, verb) + " is not installed any more"));
    }

    private String name(IpFamily family, String verb) {
        return switch (family) {
            case IPV4 -> "iptables" + suffix + "-" + verb;
            case IPV6 -> "ip6tables" + suffix + "-" + verb;
        };
    }

    /** To ask the program would make the table. */
    private static boolean hasNat(IpFamily family) {
        Path names = Path.of(
                "/proc/thread-self/net",
                switch (family) {
                    case IPV4 -> "ip_tables_names";
                    case IPV6 -> "ip6_tables_names";
                });
        if (!LibC.exists(names)) {
            return false;
        }
        try {
            return Files.readAllLines(names).contains("nat");
        } catch (IOException e) {
            throw new RedirectException("reading " + names + " failed: " + e.getMessage(), e);
        }
    }

    /** The environment of the programs where the host's lock is behind a path. */
    static List<String> environment(Path lock) {
        boolean usable = Files.exists(lock) || Files.isWritable(lock.getParent());
        return List.of(
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL=C",
                "XTABLES_LOCKFILE=" + (usable ? lock : Path.of("/proc/self/fd/0")));
    }

    private static ChildProcess.Output run(Path program, List<String> arguments, String input) {
        ChildProcess.Output output = ChildProcess.run(program, arguments, environment(LOCK), input, BOUND);
        if (output.status() != 0) {
            throw new RedirectException(program.getFileName() + " failed with status " + output.status() + ": "
                    + (output.stderr().isEmpty() ? "no message" : output.stderr()));
        }
        return output;
    }
}
