package dev.meshcni.netns.linux;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.core.spi.UnreadableRulesException;
import dev.meshcni.netfilter.NftListing;
import dev.meshcni.netfilter.NftTable;
import dev.meshcni.rules.IpFamily;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The program {@code nft}, in the network namespace of the calling thread. */
record NftTool(Path program) {
    private static final Duration BOUND = Duration.ofSeconds(10);
    private static final List<String> ENVIRONMENT = List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C");

    static Optional<NftTool> find() {
        return Programs.find("nft").map(NftTool::new);
    }

    /** What people call it: {@code nftables 1.0.6}. */
    String version() {
        return run(List.of("--version"), "").strip().replaceFirst(" \\(.*", "").replace(" v", " ");
    }

    /** Whether our table is there, found without starting the program. */
    boolean hasTable(NetfilterTables netfilter, IpFamily family) {
        return netfilter.ofNft(family).contains(NftTable.NAME);
    }

    /** Our tables of some families, which have to be there; one process for all. */
    Map<IpFamily, NftTable> list(List<IpFamily> families) {
        Map<IpFamily, NftTable> tables = new EnumMap<>(IpFamily.class);
        if (families.isEmpty()) {
            return tables;
        }
        // Of several tables listed by one command line, nft 1.0 finds only those of the last one's family.
        String command = families.size() == 1 ? "list table " + NftTable.name(families.getFirst()) : "list ruleset";
        String listing = show(List.of("-j", command));
        try {
            families.forEach(family -> NftListing.parse(family, listing).ifPresent(table -> tables.put(family, table)));
        } catch (IllegalArgumentException e) {
            throw new UnreadableRulesException("cannot parse the output of nft: " + e.getMessage(), e);
        }
        return tables;
    }

    /** Our tables of some families, which have to be there, as input of {@code nft -f} that makes them again. */
    String dump(List<IpFamily> families) {
        return families.stream()
                .map(family -> show(List.of("list table " + NftTable.name(family))))
                .collect(Collectors.joining());
    }

    /** Makes all of the changes or none. */
    void load(String script) {
        run(List.of("-f", "-"), script);
    }

    /** Checks a script without making its changes. */
    void check(String script) {
        run(List.of("--check", "-f", "-"), script);
    }

    private String run(List<String> arguments, String input) {
        ChildProcess.Output output = ChildProcess.run(program, arguments, ENVIRONMENT, input, BOUND);
        if (output.status() != 0) {
            throw new RedirectException(failure(output));
        }
        return output.stdout();
    }

    private String show(List<String> arguments) {
        try {
            ChildProcess.Output output = ChildProcess.run(program, arguments, ENVIRONMENT, "", BOUND);
            if (output.status() == 0) {
                return output.stdout();
            }
            throw new UnreadableRulesException("the pod's nftables cannot be read: " + failure(output));
        } catch (ChildProcess.ExcessException e) {
            throw new UnreadableRulesException("the pod's nftables exceed the size limit: " + e.getMessage(), e);
        }
    }

    private static String failure(ChildProcess.Output output) {
        return "nft failed with status " + output.status() + ": "
                + (output.stderr().isEmpty() ? "no message" : output.stderr());
    }
}
