// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class UncountedTest {
    private static final KernelTable TABLE = new KernelTable(NfProto.IPV4, "nat");

    @Test
    void whatARuleHasCountedMakesItNoOther() {
        Uncounted before = Uncounted.of(rule(Verdict.Code.ACCEPT, 0, 0));

        assertThat(before.isSame(rule(Verdict.Code.ACCEPT, 0, 0))).isTrue();
        assertThat(before.isSame(rule(Verdict.Code.ACCEPT, 7, Long.MAX_VALUE))).isTrue();
    }

    @Test
    void whateverElseDiffersMakesItAnother() {
        Uncounted before = Uncounted.of(rule(Verdict.Code.ACCEPT, 0, 0));

        assertThat(before.isSame(rule(Verdict.Code.DROP, 0, 0))).isFalse();
        assertThat(before.isSame(reply(NfTables.append(KernelRule.of(
                        TABLE, "other", List.of(new Expression.Counter(0, 0), decide(Verdict.Code.ACCEPT)))))))
                .isFalse();
        assertThat(before.isSame(reply(NfTables.append(KernelRule.of(
                        TABLE, "chain", List.of(decide(Verdict.Code.ACCEPT), new Expression.Counter(0, 0)))))))
                .isFalse();
        assertThat(before.isSame(reply(NfTables.add(TABLE)))).isFalse();
    }

    @Test
    void ofWhateverStateTheMessageIs() {
        NetlinkReply rule = rule(Verdict.Code.ACCEPT, 1, 60);
        byte[] later = rule.body().bytes();
        later[3]++;

        assertThat(Uncounted.of(rule)
                        .isSame(new NetlinkReply(rule.type(), rule.flags(), rule.sequence(), Octets.of(later))))
                .isTrue();
        later[0]++;
        assertThat(Uncounted.of(rule)
                        .isSame(new NetlinkReply(rule.type(), rule.flags(), rule.sequence(), Octets.of(later))))
                .isFalse();
    }

    @Test
    void aMessageAboutSomethingElseIsComparedAsAWhole() {
        Uncounted table = Uncounted.of(reply(NfTables.add(TABLE)));

        assertThat(table.isSame(reply(NfTables.add(TABLE)))).isTrue();
        assertThat(table.isSame(reply(NfTables.add(new KernelTable(NfProto.IPV4, "raw")))))
                .isFalse();
    }

    private static NetlinkReply rule(Verdict.Code verdict, long packets, long bytes) {
        return reply(NfTables.append(
                KernelRule.of(TABLE, "chain", List.of(new Expression.Counter(packets, bytes), decide(verdict)))));
    }

    private static Expression decide(Verdict.Code verdict) {
        return new Expression.Decide(Verdict.of(verdict));
    }

    private static NetlinkReply reply(NetlinkMessage message) {
        return NetlinkReply.split(message.encode(1)).getFirst();
    }
}
