// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.nftables.TableSnapshot;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

@NeedsRoot("makes network namespaces")
class NetfilterTablesTest {
    @Test
    void onlyTheTablesThatAreNamedAreTakenOut() {
        try (TestNetns netns = new TestNetns()) {
            netns.shell("nft add table ip a; nft add chain ip a c; nft add table ip b; nft add table ip others;"
                    + " nft add table ip6 a");

            boolean done = inside(
                    netns,
                    tables -> tables.deleteOfNft(
                            IpFamily.IPV4,
                            List.of("a", "b"),
                            tables.generation().orElseThrow()));

            assertThat(done).isTrue();
            assertThat(netns.shell("nft list tables")).isEqualToIgnoringNewLines("table ip otherstable ip6 a");
        }
    }

    @Test
    void nothingIsTakenOutWhenAnythingHasChangedSinceItWasLookedAt() {
        try (TestNetns netns = new TestNetns()) {
            netns.shell("nft add table ip a");
            int before = inside(netns, tables -> tables.generation().orElseThrow());
            netns.shell("nft add chain ip a meanwhile");

            boolean done = inside(netns, tables -> tables.deleteOfNft(IpFamily.IPV4, List.of("a"), before));

            assertThat(done).isFalse();
            assertThat(netns.shell("nft list chains")).contains("meanwhile");
        }
    }

    @Test
    void whenOneTableIsNotThereNoneIsTakenOutAndTheNextAnswerIsRightAgain() {
        try (TestNetns netns = new TestNetns()) {
            netns.shell("nft add table ip a");

            List<Object> answers = inside(netns, tables -> {
                int now = tables.generation().orElseThrow();
                boolean done = tables.deleteOfNft(IpFamily.IPV4, List.of("a", "no-such", "nor-this"), now);
                return List.of(
                        done, tables.ofNft(IpFamily.IPV4), tables.generation().orElseThrow() == now);
            });

            assertThat(answers).containsExactly(false, Set.of("a"), true);
        }
    }

    @Test
    void whatOthersHaveDoneBetweenTwoListingsIsListed() {
        try (TestNetns netns = new TestNetns()) {
            List<Object> listed = inside(netns, tables -> {
                List<Object> found = new ArrayList<>();
                found.add(tables.list(_ -> true).tables().size());
                try (NetfilterTables others = new NetfilterTables()) {
                    others.transact(new NfBatch().add(() -> "a", NfTables.add(table("a"))));
                }
                found.add(tables.list(_ -> true).tables().size());
                Listing before = tables.list(_ -> true);
                tables.transact(
                        new NfBatch(before.generation().orElseThrow()).add(() -> "b", NfTables.add(table("b"))));
                try (NetfilterTables others = new NetfilterTables()) {
                    others.transact(new NfBatch().add(() -> "c", NfTables.add(table("c"))));
                }
                found.add(tables.list(_ -> true).tables().size());
                found.add(
                        tables.list(table -> table.name().equals("a")).tables().size());
                found.add(tables.list(_ -> true).generation().equals(tables.generation()));
                return found;
            });

            assertThat(listed).containsExactly(0, 1, 3, 1, true);
        }
    }

    @Test
    void objectsAreListedWhereThereAreAny() {
        try (TestNetns netns = new TestNetns()) {
            netns.shell("nft add table ip a; nft add chain ip a c; nft add set ip a s '{ type inet_service; }';"
                    + " nft add rule ip a c tcp dport '{ 1, 2 }' accept");
            assertThat(contents(netns)).containsExactly(1, 1, 2, 0);

            netns.shell("nft add counter ip a n");
            assertThat(contents(netns)).containsExactly(1, 1, 2, 1);
        }
    }

    /** Chains, rules, sets and objects of the first table. */
    private static List<Integer> contents(TestNetns netns) {
        return inside(netns, tables -> {
            TableSnapshot table = tables.list(_ -> true).tables().getFirst();
            return List.of(
                    table.chains().size(),
                    table.rules().size(),
                    table.sets().size(),
                    table.objects().size());
        });
    }

    private static KernelTable table(String name) {
        return new KernelTable(NfProto.IPV4, name);
    }

    private static <T> T inside(TestNetns netns, Function<NetfilterTables, T> action) {
        return NetworkNamespace.inside(netns.path(), () -> {
            try (NetfilterTables tables = new NetfilterTables()) {
                return action.apply(tables);
            }
        });
    }
}
