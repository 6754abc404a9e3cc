// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ztunnel;

import static dev.meshcni.ztunnel.testkit.ZdsSchema.message;
import static dev.meshcni.ztunnel.testkit.ZdsSchema.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import dev.meshcni.ztunnel.testkit.ZdsSchema;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;

/** The bytes of ZDS, as protobuf's own library reads and writes them, and as ztunnel was seen to send them. */
class ZdsCodecTest {
    private static final HexFormat HEX = HexFormat.of();

    @Example
    void theShortMessagesAreTheseBytes() {
        assertThat(ZdsCodec.encode(new ZdsRequest.SnapshotSent())).isEqualTo(HEX.parseHex("1a00"));
        assertThat(ZdsCodec.encode(new ZdsRequest.Del("u"))).isEqualTo(HEX.parseHex("1203120175"));
        assertThat(ZdsCodec.encode(new ZdsRequest.Keep("u"))).isEqualTo(HEX.parseHex("2a030a0175"));
        assertThat(ZdsCodec.hello(HEX.parseHex("0801"))).isEqualTo(1);
        assertThat(ZdsCodec.acknowledgement(HEX.parseHex("0a00"))).isEmpty();
        assertThat(ZdsCodec.acknowledgement(HEX.parseHex("0a050a03626164"))).isEqualTo("bad");
    }

    @Property(tries = 1_000)
    void anAddIsReadAsItWasMeant(
            @ForAll("names") String uid,
            @ForAll("names") String name,
            @ForAll("names") String namespace,
            @ForAll("names") String account)
            throws InvalidProtocolBufferException {
        Message add = message(
                ZdsSchema.read(
                        ZdsSchema.REQUEST,
                        ZdsCodec.encode(new ZdsRequest.Add(uid, new WorkloadInfo(name, namespace, account)))),
                "add");

        assertThat(text(add, "uid")).isEqualTo(uid);
        assertThat(add.hasField(ZdsSchema.ADD.findFieldByName("workload_info"))).isTrue();
        Message info = message(add, "workload_info");
        assertThat(List.of(text(info, "name"), text(info, "namespace"), text(info, "service_account")))
                .containsExactly(name, namespace, account);
        assertThat(add.getUnknownFields().asMap()).isEmpty();
    }

    @Property(tries = 1_000)
    void whatHasAUidAloneIsReadAsItWasMeant(@ForAll("names") String uid) throws InvalidProtocolBufferException {
        Message del = ZdsSchema.read(ZdsSchema.REQUEST, ZdsCodec.encode(new ZdsRequest.Del(uid)));
        Message keep = ZdsSchema.read(ZdsSchema.REQUEST, ZdsCodec.encode(new ZdsRequest.Keep(uid)));

        assertThat(text(message(del, "del"), "uid")).isEqualTo(uid);
        assertThat(text(message(keep, "keep"), "uid")).isEqualTo(uid);
    }

    @Property(tries = 500, edgeCases = EdgeCasesMode.NONE)
    void anAcknowledgementIsReadWhateverElseItHolds(
            @ForAll("texts") String error,
            @ForAll("unknown") UnknownFieldSet within,
            @ForAll("unknown") UnknownFieldSet around) {
        Message ack = ZdsSchema.of(ZdsSchema.ACK, "error", error).toBuilder()
                .setUnknownFields(within)
                .build();
        byte[] bytes = ZdsSchema.of(ZdsSchema.RESPONSE, "ack", ack).toBuilder()
                .setUnknownFields(around)
                .build()
                .toByteArray();

        assertThat(ZdsCodec.acknowledgement(bytes)).isEqualTo(error);
    }

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void aHelloIsReadWhateverElseItHolds(@ForAll int version, @ForAll("unknown") UnknownFieldSet around)
            throws InvalidProtocolBufferException {
        byte[] bytes = ZdsSchema.read(ZdsSchema.HELLO, ZdsSchema.hello(version)).toBuilder()
                .setUnknownFields(around)
                .build()
                .toByteArray();

        assertThat(ZdsCodec.hello(bytes)).isEqualTo(version);
    }

    /** Two messages behind each other are merged, field by field (protobuf's encoding, "Last One Wins"). */
    @Property(tries = 1_000)
    void partsOfAMessageAreMerged(@ForAll("texts") String first, @ForAll("texts") String second)
            throws InvalidProtocolBufferException {
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(ZdsSchema.ack(first));
        both.writeBytes(ZdsSchema.ack(second));

        assertThat(ZdsCodec.acknowledgement(both.toByteArray())).isEqualTo(theirs(both.toByteArray()));
    }

    /** What ztunnel never sends is refused, or means what protobuf's own library says that it means. */
    @Property(tries = 10_000)
    void anyBytesAreRefusedOrMeanTheSame(@ForAll @Size(max = 24) byte[] bytes) throws InvalidProtocolBufferException {
        String ours;
        try {
            ours = ZdsCodec.acknowledgement(bytes);
        } catch (ZdsException refused) {
            return;
        }
        assertThat(ours).isEqualTo(theirs(bytes));
    }

    @Property(tries = 10_000)
    void anythingInAnAcknowledgementIsRefusedOrMeansTheSame(@ForAll @Size(max = 24) byte[] content)
            throws InvalidProtocolBufferException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(0x0a);
        bytes.write(content.length);
        bytes.writeBytes(content);

        anyBytesAreRefusedOrMeanTheSame(bytes.toByteArray());
    }

    @Property(tries = 2_000)
    void acknowledgementsThatAreCutOffAreRefused(@ForAll("texts") String error, @ForAll int where) {
        byte[] whole = ZdsSchema.ack(error);
        byte[] part = Arrays.copyOf(whole, Math.floorMod(where, whole.length));

        assertThatThrownBy(() -> ZdsCodec.acknowledgement(part)).isInstanceOf(ZdsException.class);
    }

    @Example
    void whatIsNoAcknowledgementIsNone() {
        for (String hex : List.of("", "1200", "0801", "0a01", "0a020a01", "0a030a01ff", "0b", "0c", "00", "0f")) {
            assertThatThrownBy(() -> ZdsCodec.acknowledgement(HEX.parseHex(hex)))
                    .as(hex)
                    .isInstanceOf(ZdsException.class);
        }
    }

    @Example
    void groupsAreSkippedUpToADepth() {
        assertThat(ZdsCodec.acknowledgement(HEX.parseHex("1b2324" + "1c" + "0a00")))
                .isEmpty();
        assertThatThrownBy(() -> ZdsCodec.acknowledgement(HEX.parseHex("1b".repeat(1000) + "1c".repeat(1000))))
                .isInstanceOf(ZdsException.class)
                .hasMessage("groups stand in each other more than 16 deep");
    }

    @Example
    void theLongestNamesOfKubernetesFitAndLongerOnesAreRefused() {
        String uid = "b".repeat(36);
        WorkloadInfo longest = new WorkloadInfo("n".repeat(253), "s".repeat(63), "a".repeat(253));

        assertThat(ZdsCodec.encode(new ZdsRequest.Add(uid, longest))).hasSize(621);
        assertThatThrownBy(() -> ZdsCodec.encode(
                        new ZdsRequest.Add("u".repeat(300), new WorkloadInfo("n".repeat(600), "s", "a".repeat(300)))))
                .isInstanceOf(ZdsException.class)
                .hasMessageEndingWith(" bytes; ztunnel reads at most 1024 of a message");
    }

    @Provide
    Arbitrary<String> names() {
        return Arbitraries.strings().ofMaxLength(60).filter(ZdsCodecTest::isText);
    }

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.strings().ofMaxLength(300).filter(ZdsCodecTest::isText);
    }

    @Provide
    Arbitrary<UnknownFieldSet> unknown() {
        Arbitrary<UnknownFieldSet.Field> field = Combinators.combine(
                        Arbitraries.longs().list().ofMaxSize(2),
                        Arbitraries.integers().list().ofMaxSize(2),
                        Arbitraries.longs().list().ofMaxSize(2),
                        Arbitraries.bytes()
                                .array(byte[].class)
                                .ofMaxSize(9)
                                .list()
                                .ofMaxSize(2))
                .as((varints, fixed32, fixed64, texts) -> {
                    UnknownFieldSet.Field.Builder built = UnknownFieldSet.Field.newBuilder();
                    varints.forEach(built::addVarint);
                    fixed32.forEach(built::addFixed32);
                    fixed64.forEach(built::addFixed64);
                    texts.forEach(text -> built.addLengthDelimited(ByteString.copyFrom(text)));
                    varints.forEach(number -> built.addGroup(UnknownFieldSet.newBuilder()
                            .addField(
                                    7,
                                    UnknownFieldSet.Field.newBuilder()
                                            .addVarint(number)
                                            .build())
                            .build()));
                    return built.build();
                });
        return Arbitraries.maps(Arbitraries.integers().between(2, (1 << 29) - 1), field)
                .ofMaxSize(3)
                .map(fields -> {
                    UnknownFieldSet.Builder built = UnknownFieldSet.newBuilder();
                    fields.forEach(built::addField);
                    return built.build();
                });
    }

    /** Java's strings may hold halves of characters, which no UTF-8 has. */
    private static boolean isText(String text) {
        return text.codePoints().noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }

    private static String theirs(byte[] bytes) throws InvalidProtocolBufferException {
        Message response = ZdsSchema.read(ZdsSchema.RESPONSE, bytes);
        assertThat(response.hasField(ZdsSchema.RESPONSE.findFieldByName("ack"))).isTrue();
        return text(message(response, "ack"), "error");
    }
}
