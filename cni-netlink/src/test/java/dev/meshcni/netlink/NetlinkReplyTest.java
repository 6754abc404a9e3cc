// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class NetlinkReplyTest {
    private static final int ERROR = 2;
    private static final int DONE = 3;
    private static final int MULTI = 2;
    private static final int INTERRUPTED = 0x10;

    /**
     * Recorded: the answer of Linux 6.18, with {@code NETLINK_EXT_ACK} and {@code NETLINK_CAP_ACK}, to a chain of a
     * type that there is none of.
     */
    @Test
    void anErrorTellsItsNumberAndWhereInTheMessage() {
        byte[] recorded = HexFormat.of()
                .parseHex("2c000000020000030500000032590000" + "feffffff" + "50000000030a05040500000000000000"
                        + "0800020044000000");

        KernelError error =
                NetlinkReply.split(ByteBuffer.wrap(recorded)).getFirst().error().orElseThrow();

        assertThat(error).isEqualTo(new KernelError(5, 2, "", 68));
    }

    @Test
    void anErrorTellsItsReasonInWords() {
        byte[] message = message(
                ERROR,
                0x300,
                5,
                body -> body.putInt(-2)
                        .put(HexFormat.of().parseHex("50000000030a05040500000000000000"))
                        .put(HexFormat.of().parseHex("0c0001006e6f207479706500")));

        assertThat(NetlinkReply.split(ByteBuffer.wrap(message)).getFirst().error())
                .contains(new KernelError(5, 2, "no type", 0));
    }

    @Test
    void anErrorThatRepeatsTheWholeRequestIsReadBehindIt() {
        byte[] repeated = message(
                ERROR,
                0x200,
                9,
                body -> body.putInt(-22)
                        .putInt(24)
                        .put(HexFormat.of().parseHex("030a050409000000" + "00000000" + "0102030405060708"))
                        .put(HexFormat.of().parseHex("0800020010000000")));

        assertThat(NetlinkReply.split(ByteBuffer.wrap(repeated)).getFirst().error())
                .contains(new KernelError(9, 22, "", 16));
    }

    @Test
    void anAcknowledgementIsNoError() {
        NetlinkReply ack = NetlinkReply.split(ByteBuffer.wrap(message(ERROR, 0, 3, body -> body.putInt(0))))
                .getFirst();

        assertThat(ack.isAck()).isTrue();
        assertThat(ack.error()).isEmpty();
    }

    @Test
    void aMessageThatIsCutOffIsRefused() {
        byte[] whole = message(ERROR, 0, 3, body -> body.putInt(0));

        assertThatThrownBy(() -> NetlinkReply.split(ByteBuffer.wrap(whole, 0, whole.length - 1)))
                .isInstanceOf(NetlinkException.class)
                .hasMessageContaining("cut off");
    }

    @Test
    void aListEndsWithItsEndAndLeavesOutAnswersToOthers() {
        NetlinkDump dump = new NetlinkDump(4);

        dump.accept(split(
                message(0xa00, MULTI, 3, body -> body.putInt(1)), message(0xa00, MULTI, 4, body -> body.putInt(2))));
        assertThat(dump.done()).isFalse();
        dump.accept(split(message(DONE, MULTI, 4, body -> body.putInt(0))));

        assertThat(dump.done()).isTrue();
        assertThat(dump.interrupted()).isFalse();
        assertThat(dump.replies()).extracting(reply -> reply.body().u32()).containsExactly(2);
    }

    @Test
    void aListThatChangedMeanwhileIsToBeAskedForAgain() {
        NetlinkDump flagged = new NetlinkDump(4);
        flagged.accept(split(
                message(0xa00, MULTI | INTERRUPTED, 4, body -> body.putInt(2)),
                message(DONE, MULTI, 4, body -> body.putInt(0))));
        NetlinkDump ended = new NetlinkDump(4);
        ended.accept(split(message(DONE, MULTI, 4, body -> body.putInt(-4))));

        assertThat(flagged.interrupted()).isTrue();
        assertThat(ended.interrupted()).isTrue();
    }

    private interface Body {
        void write(ByteBuffer buffer);
    }

    private static List<NetlinkReply> split(byte[]... messages) {
        ByteBuffer datagram = ByteBuffer.allocate(1024);
        for (byte[] message : messages) {
            datagram.put(message);
        }
        return NetlinkReply.split(datagram.flip());
    }

    private static byte[] message(int type, int flags, int sequence, Body body) {
        ByteBuffer buffer = ByteBuffer.allocate(512).order(ByteOrder.nativeOrder());
        buffer.putInt(0)
                .putShort((short) type)
                .putShort((short) flags)
                .putInt(sequence)
                .putInt(0);
        body.write(buffer);
        buffer.putInt(0, buffer.position());
        byte[] bytes = new byte[buffer.position()];
        buffer.flip().get(bytes);
        return bytes;
    }
}
