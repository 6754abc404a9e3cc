// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.RefusedException;
import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NetlinkMessage;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.Octets;
import dev.meshcni.netlink.Verdict;
import dev.meshcni.nftables.IptablesTables;
import dev.meshcni.nftables.OwnTable;
import dev.meshcni.nftables.WantedTable;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.testkit.NeedsRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Transactions of nf_tables in a real kernel: all or nothing, whatever goes wrong and whoever else is at work. */
@NeedsRoot("makes network namespaces")
class NetlinkTransactionTest {
    private static final IpFamily[] BOTH = IpFamily.values();

    /** A chain in a table that is not there. */
    private static final NetlinkMessage IMPOSSIBLE =
            NfTables.add(KernelChain.regular(new KernelTable(NfProto.IPV4, "no-such-table"), "c"));

    @TempDir
    private Path directory;

    @Test
    void aFailureAtAnyMessageLeavesEverythingAsItWasAndIsToldOfThatMessage() {
        try (TestNetns netns = new TestNetns()) {
            netns.shell("iptables-nft -t nat -A OUTPUT -d 127.0.0.9 -j ACCEPT -c 7 420;"
                    + "iptables-nft -t nat -A OUTPUT -j ISTIO_OUTPUT 2>/dev/null;"
                    + "iptables-nft -t mangle -A PREROUTING -m limit --limit 5/s -j DROP -c 3 99");
            Visit.to(new NftBackend(), netns.path()).apply(Plans.redirect(BOTH));
            String before = netns.shell("nft list ruleset 2>&1; iptables-nft-save -c | grep -v '#'");
            RedirectPlan plan = Plans.everything(BOTH);

            int messages = inside(netns, tables -> {
                NfBatch batch = batch(tables, plan);
                for (int i = 0; i < batch.size(); i++) {
                    NfBatch broken = batch.with(i, IMPOSSIBLE);
                    int index = i;
                    assertThatThrownBy(() -> tables.transact(broken))
                            .as("message " + i)
                            .isInstanceOf(RefusedException.class)
                            .hasMessageStartingWith(batch.what(index))
                            .hasMessageContaining("No such file or directory");
                    assertThat(tables.generation())
                            .isEqualTo(tables.list(_ -> false).generation());
                }
                return batch.size();
            });

            assertThat(messages).isGreaterThan(100);
            assertThat(netns.shell("nft list ruleset 2>&1; iptables-nft-save -c | grep -v '#'"))
                    .isEqualTo(before);
            inside(netns, tables -> {
                tables.transact(batch(tables, plan));
                return "";
            });
            assertThat(netns.shell("iptables-nft-save -c"))
                    .contains("[7:420] -A OUTPUT -d 127.0.0.9/32 -j ACCEPT")
                    .contains("[3:99] -A PREROUTING -m limit --limit 5/sec -j DROP");
        }
    }

    @Test
    void moreErrorsThanASocketHoldsAreStillARefusal() {
        try (TestNetns netns = new TestNetns()) {
            List<Object> answers = inside(netns, tables -> {
                NfBatch batch = new NfBatch();
                IntStream.range(0, 5_000).forEach(i -> batch.add(() -> "message " + i, IMPOSSIBLE));
                assertThatThrownBy(() -> tables.transact(batch))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageStartingWith("message 0:");
                return List.of(tables.tables(), tables.generation().isPresent());
            });

            assertThat(answers).containsExactly(List.of(), true);
        }
    }

    @Test
    void aBatchOfMegabytesIsOneTransaction() {
        try (TestNetns netns = new TestNetns()) {
            KernelTable table = new KernelTable(NfProto.IPV4, "large");
            List<Expression> rule = List.of(
                    new Expression.XtMatch("comment", 0, Octets.of(new byte[256])),
                    new Expression.Counter(1, 2),
                    new Expression.Decide(Verdict.of(Verdict.Code.ACCEPT)));
            NfBatch batch = new NfBatch()
                    .add(() -> "the table", NfTables.add(table))
                    .add(() -> "the chain", NfTables.add(KernelChain.regular(table, "c")));
            IntStream.range(0, 8_000)
                    .forEach(i -> batch.add(() -> "rule " + i, NfTables.append(KernelRule.of(table, "c", rule))));

            long rules = inside(netns, tables -> {
                tables.transact(batch);
                return tables.list(table::equals).tables().getFirst().rules().stream()
                        .filter(read -> read.expressions().equals(rule))
                        .count();
            });

            assertThat(batch.encode(1).length).isGreaterThan(3 << 20);
            assertThat(rules).isEqualTo(8_000);
        }
    }

    @Test
    void aBatchIsCheckedWithoutBeingCarriedOut() {
        try (TestNetns netns = new TestNetns()) {
            KernelTable table = new KernelTable(NfProto.IPV4, "t");
            NfBatch good = new NfBatch().add(() -> "the table", NfTables.add(table));
            NfBatch bad =
                    new NfBatch().add(() -> "the table", NfTables.add(table)).add(() -> "the chain", IMPOSSIBLE);

            inside(netns, tables -> {
                tables.check(good);
                assertThatThrownBy(() -> tables.check(bad))
                        .isInstanceOf(RefusedException.class)
                        .hasMessageStartingWith("the chain: ");
                assertThat(tables.tables()).isEmpty();
                return "";
            });
        }
    }

    @Test
    void aListingIsOfOneMomentWhileOthersReplaceTheTable() throws Exception {
        try (TestNetns netns = new TestNetns()) {
            Process others = replacingATable(netns, 300);
            try {
                Set<String> seen = new HashSet<>();
                inside(netns, tables -> {
                    for (int i = 0; i < 400; i++) {
                        tables.list(table -> table.name().equals("busy"))
                                .tables()
                                .forEach(table -> {
                                    Set<Expression> verdicts = table.rules().stream()
                                            .map(rule -> rule.expressions().getLast())
                                            .collect(Collectors.toSet());
                                    assertThat(verdicts).hasSize(1);
                                    assertThat(table.rules()).hasSize(300);
                                    seen.add(verdicts.toString());
                                });
                    }
                    return "";
                });
                assertThat(seen).hasSize(2);
            } finally {
                stop(others);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "nftables"})
    void aPodIsRedirectedWhileOthersChangeTheirTables(String kind) throws Exception {
        try (TestNetns netns = new TestNetns()) {
            Process others = replacingATable(netns, 1);
            try {
                RedirectBackend backend = new RedirectBackendTest.Kind(kind).make();
                for (RedirectPlan plan : List.of(Plans.tproxy(BOTH), Plans.everything(BOTH), Plans.redirect(BOTH))) {
                    Visit.to(backend, netns.path()).apply(plan);
                    assertThat(Visit.to(backend, netns.path()).differences(plan))
                            .isEmpty();
                }
                assertThat(others.isAlive()).isTrue();
            } finally {
                stop(others);
            }
        }
    }

    @Test
    void whatSomebodyPutIntoOurTableIsNamedAndIsThereAgainAfterAFailure() {
        try (TestNetns netns = new TestNetns()) {
            Visit.to(new NftBackend(), netns.path()).apply(Plans.redirect(IpFamily.IPV4));
            netns.shell(
                    "nft 'add set ip istio-proxy named { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } };"
                            + " add map ip istio-proxy where { type inet_service : verdict;"
                            + " elements = { 80 : jump nat-istio-redirect } };"
                            + " add counter ip istio-proxy counted { packets 5 bytes 50 };"
                            + " add rule ip istio-proxy nat-istio-output ip daddr @named tcp dport vmap @where;"
                            + " add rule ip istio-proxy nat-istio-output ip daddr { 1.1.1.1, 2.2.2.2-3.3.3.3 }"
                            + " counter name counted"
                            + " comment \"hello\"' &&"
                            + " nft 'add rule ip istio-proxy nat-istio-output limit rate 5/second accept'");
            String before = netns.shell("nft list ruleset");
            assertThat(Visit.to(new NftBackend(), netns.path()).differences(Plans.redirect(IpFamily.IPV4)))
                    .extracting(difference -> difference.kind() + " " + difference.place())
                    .contains("UNEXPECTED ipv4 nftables nat-istio-output", "UNEXPECTED ipv4 nftables");

            NftBackend failing = new NftBackend(HostPaths.standard(), step -> {
                throw new IllegalStateException("injected after " + step);
            });

            assertThatThrownBy(() -> Visit.to(failing, netns.path()).apply(Plans.tproxy(IpFamily.IPV4)))
                    .isInstanceOf(RedirectException.class)
                    .hasMessageNotContaining("failed as well");

            assertThat(netns.shell("nft list ruleset")).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "nftables"})
    void whatIsKnownOfOnePodHidesNothingInTheNext(String kind) {
        RedirectBackend backend = new RedirectBackendTest.Kind(kind).make();
        RedirectPlan plan = Plans.everything(BOTH);
        try (TestNetns first = new TestNetns();
                TestNetns second = new TestNetns()) {
            Visit.to(backend, first.path()).apply(plan);
            Visit.to(backend, second.path()).apply(plan);
            assertThat(Visit.to(backend, second.path()).differences(plan)).isEmpty();

            second.shell("nft -a list ruleset | awk '/^table/ {f = $2; t = $3} /^\tchain/ {c = $2}"
                    + " /handle/ && /1337/ {h = $NF; d = f \" \" t \" \" c \" handle \" h}"
                    + " END {system(\"nft delete rule \" d)}'");
            assertThat(Visit.to(backend, second.path()).differences(plan)).hasSize(1);
            assertThat(Visit.to(backend, first.path()).differences(plan)).isEmpty();

            Visit.to(backend, second.path()).apply(plan);
            assertThat(Visit.to(backend, second.path()).differences(plan)).isEmpty();
            second.shell("ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1 || true");
            assertThat(Visit.to(backend, second.path()).differences(plan)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "nftables"})
    void whatWasTakenOutOfOnePodTakesNothingOfOthersOutOfTheNext(String kind) {
        RedirectBackend backend = new RedirectBackendTest.Kind(kind).make();
        RedirectPlan plan = Plans.redirect(BOTH);
        String others = "table ip nat { chain OUTPUT { ip daddr 192.0.2.7 counter accept; }; }; table ip others {}";
        try (TestNetns first = new TestNetns();
                TestNetns counted = new TestNetns();
                TestNetns shared = new TestNetns()) {
            for (TestNetns netns : List.of(first, counted, shared)) {
                Visit.to(backend, netns.path()).apply(plan);
            }
            counted.shell("ip link set lo up; ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1 || true");
            shared.shell("echo '" + others + "' | nft -f -");

            for (TestNetns netns : List.of(first, counted, shared)) {
                Visit.to(backend, netns.path()).remove();
            }

            assertThat(first.shell("nft list ruleset")).isBlank();
            assertThat(counted.shell("nft list ruleset")).isBlank();
            assertThat(shared.shell("nft list ruleset"))
                    .contains("ip daddr 192.0.2.7", "table ip others")
                    .doesNotContainIgnoringCase("istio");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "nftables"})
    void noProcessIsStarted(String kind) throws Exception {
        try (TestNetns netns = new TestNetns()) {
            RedirectBackend backend = new RedirectBackendTest.Kind(kind).make();
            backend.detect();
            long before = faultsOfChildren();

            for (RedirectPlan plan : List.of(Plans.everything(BOTH), Plans.tproxy(BOTH), Plans.redirect(BOTH))) {
                Visit.to(backend, netns.path()).apply(plan);
                assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();
            }
            Visit.to(backend, netns.path()).remove();

            assertThat(faultsOfChildren()).isEqualTo(before);
            netns.exec("true");
            assertThat(faultsOfChildren()).isGreaterThan(before);
        }
    }

    /**
     * Page faults of all children that have ended and were waited for: no process ends without one
     * ({@code proc_pid_stat(5)}).
     */
    private static long faultsOfChildren() throws Exception {
        String stat = Files.readString(Path.of("/proc/self/stat"));
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[8]);
    }

    private static NfBatch batch(NetfilterTables tables, RedirectPlan plan) {
        Listing found = tables.list(_ -> true);
        NfBatch batch = new NfBatch(found.generation().orElseThrow());
        for (RuleSet rules : plan.ruleSets()) {
            new IptablesTables(rules.family(), found.tables()).change(rules, batch);
            OwnTable.among(rules.family(), found.tables()).change(WantedTable.of(rules), batch);
        }
        return batch;
    }

    /** Replaces a table of so many rules in one transaction, over and over, by one whose rules decide otherwise. */
    private Process replacingATable(TestNetns netns, int rules) throws Exception {
        List<Path> scripts = new ArrayList<>();
        for (String verdict : List.of("accept", "drop")) {
            String rule = "add rule ip busy c counter " + verdict + "\n";
            scripts.add(Files.writeString(
                    directory.resolve(verdict),
                    "add table ip busy\ndelete table ip busy\nadd table ip busy\nadd chain ip busy c\n"
                            + rule.repeat(rules)));
        }
        String loop = "while true; do nft -f " + scripts.get(0) + "; nft -f " + scripts.get(1) + "; done";
        netns.shell("nft -f " + scripts.get(0));
        return new ProcessBuilder("ip", "netns", "exec", netns.name(), "sh", "-c", loop)
                .inheritIO()
                .start();
    }

    private static void stop(Process process) throws InterruptedException {
        process.destroyForcibly();
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    private static <T> T inside(TestNetns netns, Function<NetfilterTables, T> action) {
        return NetworkNamespace.inside(netns.path(), () -> {
            try (NetfilterTables tables = new NetfilterTables()) {
                return action.apply(tables);
            }
        });
    }
}
