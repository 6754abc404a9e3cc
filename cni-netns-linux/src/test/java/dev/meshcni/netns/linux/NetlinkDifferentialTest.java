// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netfilter.IptablesRenderer;
import dev.meshcni.netfilter.NftListing;
import dev.meshcni.netfilter.NftRenderer;
import dev.meshcni.netfilter.NftTableComparison;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.redirect.testkit.RecordedAmbient;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.testkit.NeedsRoot;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the kernel holds after rules went there by netlink is what it holds after the reference program loaded the same
 * rules.
 */
@NeedsRoot("makes network namespaces")
class NetlinkDifferentialTest {
    private static final int PLANS = 500;
    private static final long SEED = 20_261_129;

    /**
     * {@code nft} leaves out the protocol before a port of it that is an expression, and not before one that is a match
     * of x_tables.
     */
    private static final Pattern IMPLIED_PROTOCOL = Pattern.compile("meta l4proto (tcp|udp) (?=.*\\b\\1 [sd]port\\b)");

    /** A mark that is an expression is printed with all its digits and with {@code meta}. */
    private static final Pattern MARK = Pattern.compile("(?<!ct )(?:meta )?mark (!= )?0x0*([0-9a-f]+)");

    @TempDir
    private Path directory;

    @Test
    void tablesOfIptablesAreThoseOfIptablesRestore() {
        List<String> steps = new ArrayList<>();
        RedirectBackend backend = new IptablesBackend("nft", RuleWay.NETLINK, HostPaths.standard(), steps::add);
        forEachPlan((netlink, program, plan) -> {
            steps.clear();
            Visit.to(backend, netlink.path()).apply(plan);
            assertThat(steps).startsWith("the rules in nf_tables");
            for (RuleSet rules : plan.ruleSets()) {
                load(program, restore(rules.family()) + " --noflush <", IptablesRenderer.render(rules));
            }

            assertThat(saved(netlink)).isEqualTo(saved(program));
            assertThat(normalized(netlink.shell("nft list ruleset 2>/dev/null")))
                    .isEqualTo(normalized(program.shell("nft list ruleset 2>/dev/null")));
        });
    }

    @Test
    void ourOwnTablesAreThoseOfNft() {
        RedirectBackend backend = new NftBackend(HostPaths.standard());
        forEachPlan((netlink, program, plan) -> {
            Visit.to(backend, netlink.path()).apply(plan);
            load(
                    program,
                    "nft -f",
                    plan.ruleSets().stream().map(NftRenderer::definition).collect(Collectors.joining()));

            assertThat(netlink.shell("nft list ruleset")).isEqualTo(program.shell("nft list ruleset"));
            assertThat(withoutHandles(netlink.shell("nft -j list ruleset")))
                    .isEqualTo(withoutHandles(program.shell("nft -j list ruleset")));
        });
    }

    @ParameterizedTest
    @EnumSource
    void tablesOfAmbientPodsAreThoseOfTheProgramsToo(RecordedAmbient recorded) {
        RedirectPlan plan = recorded.plan(EnumSet.allOf(IpFamily.class));
        try (TestNetns netlink = new TestNetns();
                TestNetns program = new TestNetns()) {
            Visit.to(new IptablesBackend("nft", RuleWay.NETLINK, HostPaths.standard()), netlink.path())
                    .apply(plan);
            for (RuleSet rules : plan.ruleSets()) {
                load(program, restore(rules.family()) + " --noflush <", IptablesRenderer.render(rules));
            }
            assertThat(saved(netlink)).isEqualTo(saved(program));
        }
        try (TestNetns netlink = new TestNetns();
                TestNetns program = new TestNetns()) {
            Visit.to(new NftBackend(), netlink.path()).apply(plan);
            load(
                    program,
                    "nft -f",
                    plan.ruleSets().stream().map(NftRenderer::definition).collect(Collectors.joining()));
            assertThat(netlink.shell("nft list ruleset")).isEqualTo(program.shell("nft list ruleset"));
            assertThat(withoutHandles(netlink.shell("nft -j list ruleset")))
                    .isEqualTo(withoutHandles(program.shell("nft -j list ruleset")));
            String listing = netlink.shell("nft -j list ruleset");
            for (RuleSet rules : plan.ruleSets()) {
                assertThat(NftTableComparison.differences(rules, NftListing.parse(rules.family(), listing)))
                        .isEmpty();
            }
        }
    }

    /** The kernel keeps them in another kind of set then; what it says of them is the same. */
    @Test
    void manyPortsAreThoseOfNftToo() {
        RedirectBackend backend = new NftBackend(HostPaths.standard());
        RedirectPlan plan = Plans.excluding(500, 500, IpFamily.IPV4);
        try (TestNetns netlink = new TestNetns();
                TestNetns program = new TestNetns()) {
            Visit.to(backend, netlink.path()).apply(plan);
            load(
                    program,
                    "nft -f",
                    plan.ruleSets().stream().map(NftRenderer::definition).collect(Collectors.joining()));

            assertThat(netlink.shell("nft list ruleset")).isEqualTo(program.shell("nft list ruleset"));
            assertThat(Visit.to(backend, program.path()).differences(plan)).isEmpty();
        }
    }

    /** Expressions that newer versions of the program write are read as the matches that older ones write. */
    @Test
    void eachWayReadsWhatTheOtherHasWritten() {
        RedirectBackend byNetlink = new RedirectBackendTest.Kind("nft").make();
        RedirectBackend byPrograms = new RedirectBackendTest.Kind("nft by programs").make();
        Random random = new Random(SEED);
        try (TestNetns netlink = new TestNetns();
                TestNetns program = new TestNetns()) {
            for (int i = 0; i < 40; i++) {
                RedirectPlan plan =
                        RuleCompiler.compile(KernelRoundTripTest.parameters(random), EnumSet.allOf(IpFamily.class));

                Visit.to(byNetlink, netlink.path()).apply(plan);
                Visit.to(byPrograms, program.path()).apply(plan);

                assertThat(Visit.to(byPrograms, netlink.path()).differences(plan))
                        .isEmpty();
                assertThat(Visit.to(byNetlink, program.path()).differences(plan))
                        .isEmpty();
            }
        }
    }

    /** What {@code nft monitor} prints of the events that the kernel sends while the rules are made. */
    @Test
    void theKernelTellsTheSameEventsOfOurTables() throws Exception {
        RedirectBackend backend = new NftBackend();
        try (TestNetns netlink = new TestNetns();
                TestNetns program = new TestNetns()) {
            RedirectPlan plan = Plans.everything(IpFamily.values());
            String ours =
                    events(netlink, () -> Visit.to(backend, netlink.path()).apply(plan));
            String theirs = events(
                    program,
                    () -> load(
                            program,
                            "nft -f",
                            plan.ruleSets().stream()
                                    .map(NftRenderer::definition)
                                    .collect(Collectors.joining())));

            assertThat(ours).isEqualTo(theirs).contains("add table ip istio-proxy", "add rule ip6 istio-proxy");
        }
    }

    /**
     * The events up to the table that marks their end, without numbers: a rule's depends on how many sets were made
     * before.
     */
    private static String events(TestNetns netns, Runnable action) throws Exception {
        Process monitor = new ProcessBuilder("ip", "netns", "exec", netns.name(), "nft", "monitor")
                .redirectErrorStream(true)
                .start();
        try (BufferedReader lines = monitor.inputReader()) {
            String line = "";
            // It says nothing when it has begun to listen.
            while (!line.startsWith("add table ip begin")) {
                netns.shell("nft 'add table ip begin; delete table ip begin'");
                line = lines.ready() ? lines.readLine() : "";
            }
            action.run();
            netns.shell("nft add table ip end");
            StringBuilder events = new StringBuilder();
            while (!line.equals("add table ip end")) {
                if (!line.contains("table ip begin") && !line.startsWith("#")) {
                    events.append(line).append('\n');
                }
                line = lines.readLine();
            }
            return events.toString().replaceAll("handle \\d+ ", "");
        } finally {
            monitor.destroyForcibly();
            assertThat(monitor.waitFor(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    private interface Comparison {
        void compare(TestNetns netlink, TestNetns program, RedirectPlan plan);
    }

    private static void forEachPlan(Comparison comparison) {
        Random random = new Random(SEED);
        try (TestNetns netlink = new TestNetns();
                TestNetns program = new TestNetns()) {
            for (int i = 0; i < PLANS; i++) {
                RedirectParameters parameters = KernelRoundTripTest.parameters(random);
                Set<IpFamily> families = i % 3 == 0 ? EnumSet.of(IpFamily.IPV4) : EnumSet.allOf(IpFamily.class);
                RedirectPlan plan = RuleCompiler.compile(parameters, families);
                try {
                    comparison.compare(netlink, program, plan);
                } catch (AssertionError e) {
                    throw new AssertionError("seed " + SEED + ", plan " + i + ": " + parameters, e);
                }
                netlink.shell("nft flush ruleset");
                program.shell("nft flush ruleset");
            }
        }
    }

    private void load(TestNetns netns, String command, String input) {
        Path file = directory.resolve("rules");
        try {
            Files.writeString(file, input);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        netns.shell(command + " " + file);
    }

    private static String restore(IpFamily family) {
        return switch (family) {
            case IPV4 -> "iptables-nft-restore";
            case IPV6 -> "ip6tables-nft-restore";
        };
    }

    /** Without the time of day, which stands in comments. */
    private static String saved(TestNetns netns) {
        return netns.shell("iptables-nft-save -c; echo; ip6tables-nft-save -c")
                .lines()
                .filter(line -> !line.startsWith("#"))
                .collect(Collectors.joining("\n"));
    }

    private static String normalized(String ruleset) {
        String shorter = IMPLIED_PROTOCOL.matcher(ruleset).replaceAll("");
        return MARK.matcher(shorter).replaceAll("mark $1$2");
    }

    private static String withoutHandles(String json) {
        Map<String, String> none = Map.of("\"handle\": \\d+", "\"handle\": 0", "__set\\d+", "__set");
        String text = json;
        for (Map.Entry<String, String> entry : none.entrySet()) {
            text = text.replaceAll(entry.getKey(), entry.getValue());
        }
        return text;
    }
}
