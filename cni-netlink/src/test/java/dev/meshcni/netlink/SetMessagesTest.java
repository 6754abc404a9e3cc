// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Recorded messages: of {@code nft} 1.0.6, and the kernel's answer to {@code ipset list}. */
class SetMessagesTest {
    private static final KernelSet SET = new KernelSet(NfProto.IPV4, "t", "s", 1, 0, 7, 4, List.of());

    @Test
    void anElementWithACommentIsAddedAsByNft() {
        List<NetlinkMessage> messages =
                NfTables.add(SET, List.of(SetElement.of(Octets.of(new byte[] {10, 0, 0, 5}), "uid-a")));

        assertThat(hex(messages))
                .isEqualTo("4c0000000c0a0104010000000000000002000000060001007400000006000200730000000800040000000001"
                        + "200003801c0001800c000180080001000a0000050c00060000067569642d6100");
    }

    @Test
    void anElementIsDeletedAsByNft() {
        KernelSet present = new KernelSet(NfProto.IPV4, "t", "s", 0, 0, 7, 4, List.of());
        List<NetlinkMessage> messages =
                NfTables.delete(present, List.of(SetElement.of(Octets.of(new byte[] {10, 0, 0, 6}))));

        assertThat(hex(messages))
                .isEqualTo("380000000e0a010001000000000000000200000006000100740000000600020073000000"
                        + "14000380100001800c000180080001000a000006");
    }

    @Test
    void aCommentThatNftCannotPrintIsRefused() {
        assertThatThrownBy(() -> SetElement.of(Octets.NONE, "x".repeat(128)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a comment of 128 bytes, at most 127");
    }

    @Test
    void setsOfIpSetAreReadFromAListing() {
        List<NetlinkReply> replies = Stream.of(
                        "ac00000007060200c86a0c6b7860000002000000050001000700000007000200733400000c0003006861"
                                + "73683a6970000500050002000000050004000600000006000b4000000000440007800800124000000400"
                                + "0800134000010000050015000c0000000800114038912ae7080019400000000008001a400000012e0800"
                                + "1840000000010800084000000010200008801c0007800c000180080001000a0000050a001a007569642d"
                                + "61000000",
                        "8c00000007060200c86a0c6b78600000020000000500010007000000060002006e0000000d0003006861"
                                + "73683a6e6574000000000500050002000000050004000700000006000b40000100003c00078008001240"
                                + "000004000800134000010000050015000c00000008001140a4f60e7f080019400000000008001a400000"
                                + "01c8080018400000000004000880",
                        "d400000007060200c86a0c6b7860000002000000050001000700000007000200733600000c0003006861"
                                + "73683a697000050005000a000000050004000600000006000b4000020000440007800800124000000400"
                                + "0800134000010000050015000c00000008001140634d13b6080019400000000008001a40000001960800"
                                + "184000000002080008400000001048000880280007801800018014000200fd0000000000000000000000"
                                + "000000050a001a007569642d620000001c0007801800018014000200fd00000000000000000000000000"
                                + "0006")
                .flatMap(text -> NetlinkReply.split(HexFormat.of().parseHex(text)).stream())
                .toList();

        assertThat(IpSets.sets(replies))
                .isEqualTo(Map.of(
                        IpSet.ofAddresses("s4", NfProto.IPV4),
                        Map.of(Octets.of(new byte[] {10, 0, 0, 5}), "uid-a"),
                        new IpSet("n", "hash:net", NfProto.IPV4, false),
                        Map.of(),
                        IpSet.ofAddresses("s6", NfProto.IPV6),
                        Map.of(address6(5), "uid-b", address6(6), "")));
    }

    private static Octets address6(int last) {
        byte[] bytes = new byte[16];
        bytes[0] = (byte) 0xfd;
        bytes[15] = (byte) last;
        return Octets.of(bytes);
    }

    private static String hex(List<NetlinkMessage> messages) {
        return HexFormat.of().formatHex(messages.getFirst().encode(1));
    }
}
