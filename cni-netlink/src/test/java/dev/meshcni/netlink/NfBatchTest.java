// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class NfBatchTest {
    private static final KernelTable TABLE = new KernelTable(NfProto.IPV4, "raw");
    private static final int FIRST = 100;

    private final NfBatch batch = new NfBatch(5)
            .add(() -> "the table", NfTables.add(TABLE))
            .add(() -> "the chain", NfTables.add(KernelChain.regular(TABLE, "c")));

    /** The messages are recorded ones of {@code iptables-restore} 1.8.9, put together and numbered anew. */
    @Test
    void theBytesAreThoseOfTheReferenceProgram() {
        byte[] bytes = new NfBatch(5)
                .add(() -> "the table", NfTables.add(TABLE))
                .add(
                        () -> "the chain",
                        NfTables.add(KernelChain.base(TABLE, "OUTPUT", new KernelChain.Base("filter", 3, -300, true))))
                .encode(1);

        assertThat(HexFormat.of().formatHex(bytes))
                .isEqualTo("1c00000010000100010000000000000000" + "00000a" + "0800010000000005"
                        + "1c000000000a0104020000000000000002000000" + "0800010072617700"
                        + "50000000030a0504030000000000000002000000" + "0800010072617700" + "0b0003004f555450555400"
                        + "00"
                        + "140004800800010000000003" + "08000200fffffed4" + "0800050000000001"
                        + "0b00070066696c74657200"
                        + "00"
                        + "1400000011000100040000000000000000" + "00000a");
    }

    @Test
    void onlyTheLastChangeAsksForAnAcknowledgement() {
        List<NetlinkReply> sent = NetlinkReply.split(ByteBuffer.wrap(batch.encode(FIRST)));

        assertThat(sent).extracting(NetlinkReply::sequence).containsExactly(100, 101, 102, 103);
        assertThat(sent)
                .extracting(message -> (message.flags() & NetlinkMessage.ACK) != 0)
                .containsExactly(false, false, true, false);
        assertThat(batch.acknowledgement(FIRST)).isEqualTo(102);
        assertThat(batch.lastSequence(FIRST)).isEqualTo(103);
    }

    @Test
    void anErrorIsAboutTheChangeWithItsNumber() {
        assertThat(batch.about(FIRST, error(101))).isEqualTo("the table");
        assertThat(batch.about(FIRST, error(102))).isEqualTo("the chain");
        assertThat(batch.about(FIRST, error(100))).isEqualTo("the transaction as a whole");
        assertThat(batch.about(FIRST, error(103))).isEqualTo("the transaction as a whole");
    }

    @Test
    void anotherMessageInPlaceOfOneLeavesTheOthers() {
        List<NetlinkReply> sent = NetlinkReply.split(
                ByteBuffer.wrap(batch.with(0, NfTables.delete(TABLE)).encode(FIRST)));

        assertThat(sent).extracting(NetlinkReply::type).containsExactly(0x10, 0xa02, 0xa03, 0x11);
        assertThat(batch.size()).isEqualTo(2);
    }

    private static KernelError error(int sequence) {
        return new KernelError(sequence, 1, "", 0);
    }
}
