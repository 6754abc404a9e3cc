// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
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

    private static <T> T inside(TestNetns netns, Function<NetfilterTables, T> action) {
        return NetworkNamespace.inside(netns.path(), () -> {
            try (NetfilterTables tables = new NetfilterTables()) {
                return action.apply(tables);
            }
        });
    }
}
