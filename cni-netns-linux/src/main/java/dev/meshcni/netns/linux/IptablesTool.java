// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.libc.ChildProcess;
import dev.meshcni.libc.Programs;
import dev.meshcni.netfilter.IptablesSave;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Table;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * One variant of {@code iptables} that is installed here: the programs that load and show rules, for both families.
 *
 * @param name the part between {@code iptables} and {@code restore} in their names: {@code -nft}, {@code -legacy} or
 *     nothing
 * @param directory where they are
 * @param kind which of the kernel's two implementations they use
 */
record IptablesTool(String name, Path directory, Kind kind) {
    /** The kernel's implementations of iptables: each has its own tables, and a packet passes those of both. */
    enum Kind {
        NFT,
        LEGACY
    }

    private static final Duration BOUND = Duration.ofSeconds(10);

    /**
     * The legacy variant locks a file, by default one for the whole node, although its race (read, change, write back)
     * is one within a namespace, in which this process does one thing at a time. Whatever file a pod can open, it can
     * lock for ever; so the lock is its standard input, a memory file that nobody else has.
     */
    private static final List<String> ENVIRONMENT = List.of(
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL=C",
            "XTABLES_LOCKFILE=/proc/self/fd/0");

    private static final List<String> WAIT_FOR_LOCK = List.of("-w", "5");

    /** The variant of a name in the first of the directories that has all four programs. */
    static Optional<IptablesTool> find(String name, List<Path> directories) {
        return directories.stream()
                .filter(directory -> programs(name).map(directory::resolve).allMatch(Files::isExecutable))
                .findFirst()
                .map(directory -> new IptablesTool(name, directory, kind(name, directory)));
    }

    /** Its common name: {@code iptables-nft 1.8.9}. */
    String version() {
        return versionLine(program(IpFamily.IPV4, "restore"))
                .replaceFirst("^\\S+ v?", "iptables" + name + " ")
                .replaceFirst(" \\(.*", "");
    }

    /**
     * Whether the namespace of the calling thread has tables of this variant in which rules of ours could be.
     *
     * @throws UnreadableRulesException if it has tables that {@link #save} could not tell the truth about
     */
    boolean hasTables(NetfilterTables netfilter, IpFamily family) {
        Set<String> tables = switch (kind) {
            case NFT -> netfilter.ofNft(family);
            case LEGACY -> netfilter.ofLegacy(family);
        };
        boolean there = Stream.of(Table.values()).map(Table::label).anyMatch(tables::contains);
        if (there && kind == Kind.NFT) {
            netfilter.requirePlainNamesOfNft(family);
        }
        return there;
    }

    /**
     * All rules with their counters, as {@link IptablesSave} reads them. Where there are no tables ({@link #hasTables})
     * it would be a process for nothing.
     *
     * @throws UnreadableRulesException if there are too many, or the program cannot show them
     */
    String save(IpFamily family) {
        Path program = program(family, "save");
        try {
            ChildProcess.Output output = run(program, List.of("-c"), "");
            if (output.status() == 0) {
                return output.stdout();
            }
            throw new UnreadableRulesException("the pod's " + family.label() + " tables cannot be read: "
                    + program.getFileName() + " failed with status " + output.status() + ": " + message(output));
        } catch (ChildProcess.ExcessException e) {
            throw new UnreadableRulesException(
                    "the pod's " + family.label() + " tables exceed the size limit: " + e.getMessage(), e);
        }
    }

    /** Adds to what is there; each table changes as a whole or not at all. */
    void add(IpFamily family, String rules) {
        restore(family, List.of("--noflush"), rules);
    }

    /** Checks rules without loading them. */
    void check(IpFamily family, String rules) {
        restore(family, List.of("--noflush", "--test"), rules);
    }

    /** Replaces the tables that are named, counters included. */
    void replace(IpFamily family, String rules) {
        restore(family, List.of("--counters"), rules);
    }

    /**
     * A thread of a process that has more of them cannot change its user namespace, so for a pod that has one of its
     * own {@code nsenter} does it and becomes the program.
     */
    private void restore(IpFamily family, List<String> options, String rules) {
        Path program = program(family, "restore");
        List<String> arguments =
                Stream.concat(options.stream(), WAIT_FOR_LOCK.stream()).toList();
        try (UserNamespace owner = UserNamespace.ofNetworkNamespace()) {
            if (owner.own()) {
                requireSuccess(run(program, arguments, rules));
                return;
            }
            Path nsenter = Programs.find("nsenter")
                    .orElseThrow(() -> new RedirectException("this pod has its own user namespace, and loading"
                            + " rules there requires nsenter: install the package util-linux, or use native_nftables"));
            Stream<String> entering = Stream.of("--user=" + owner.path(), "--", program.toString());
            requireSuccess(
                    run(nsenter, Stream.concat(entering, arguments.stream()).toList(), rules));
        }
    }

    private static ChildProcess.Output run(Path program, List<String> arguments, String input) {
        return ChildProcess.run(program, arguments, ENVIRONMENT, input, BOUND);
    }

    /** The messages of these programs begin with their name. */
    private static void requireSuccess(ChildProcess.Output output) {
        if (output.status() != 0) {
            throw new RedirectException("iptables failed with status " + output.status() + ": " + message(output));
        }
    }

    private static String message(ChildProcess.Output output) {
        return output.stderr().isEmpty() ? "no message" : output.stderr();
    }

    private Path program(IpFamily family, String verb) {
        return directory.resolve(program(family, name, verb));
    }

    private static Stream<String> programs(String name) {
        return Stream.of(IpFamily.values())
                .flatMap(family -> Stream.of(program(family, name, "restore"), program(family, name, "save")));
    }

    private static String program(IpFamily family, String name, String verb) {
        return switch (family) {
            case IPV4 -> "iptables" + name + "-" + verb;
            case IPV6 -> "ip6tables" + name + "-" + verb;
        };
    }

    private static Kind kind(String name, Path directory) {
        Path program = directory.resolve(program(IpFamily.IPV4, name, "restore"));
        return versionLine(program).contains("nf_tables") ? Kind.NFT : Kind.LEGACY;
    }

    private static String versionLine(Path program) {
        return run(program, List.of("--version"), "").stdout().strip();
    }
}
