// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.netlink.Attributes.Attribute;
import dev.meshcni.netlink.Expression.CmpOp;
import dev.meshcni.netlink.Expression.CtKey;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.PayloadBase;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What is written is what is read, whatever it is. */
class RoundTripTest {
    private static final Arbitrary<NfProto> FAMILIES = Arbitraries.of(NfProto.IPV4, NfProto.IPV6, NfProto.INET);

    @Property
    void aTable(@ForAll("tables") KernelTable table) {
        assertThat(NfTables.table(sentBack(NfTables.add(table)))).contains(table);
    }

    @Property
    void aChain(@ForAll("chains") KernelChain chain) {
        assertThat(NfTables.chain(sentBack(NfTables.add(chain)))).contains(chain);
    }

    @Property
    void aRule(@ForAll("rules") KernelRule rule) {
        assertThat(NfTables.rule(sentBack(NfTables.append(rule)))).contains(rule);
    }

    @Property
    void aSet(@ForAll("sets") KernelSet set) {
        assertThat(NfTables.set(sentBack(NfTables.add(set)))).contains(set);
    }

    @Property(tries = 100)
    void elementsOfASetHoweverMany(@ForAll("sets") KernelSet set, @ForAll("elements") List<SetElement> elements) {
        List<SetElement> read = NfTables.add(set, elements).stream()
                .flatMap(message -> NfTables.elements(sentBack(message)).stream())
                .toList();

        assertThat(read).isEqualTo(elements);
    }

    @Property
    void aComment(@ForAll("comments") String comment) {
        SetElement element = SetElement.of(Octets.u32(7), comment);

        assertThat(element.comment()).contains(comment);
        assertThat(SetElement.of(Octets.u32(7)).comment()).isEmpty();
    }

    @Property
    void userdataThatHoldsNoCommentIsNone(@ForAll byte[] userdata) {
        new SetElement(Octets.NONE, false, List.of(new Attribute(6, Octets.of(userdata))))
                .comment()
                .ifPresent(comment -> assertThat(comment).hasSizeLessThan(userdata.length));
    }

    @Property
    void anObject(@ForAll("objects") KernelObject object) {
        assertThat(NfTables.object(sentBack(NfTables.add(object)))).contains(object);
    }

    @Property
    void bytesThatAreNoMessagesAreRefusedOrRead(@ForAll byte[] bytes) {
        try {
            for (NetlinkReply reply : NetlinkReply.split(ByteBuffer.wrap(bytes))) {
                NfTables.table(reply);
                NfTables.rule(reply);
                reply.error();
            }
        } catch (NetlinkException e) {
            assertThat(e).hasMessageNotContaining("null");
        }
    }

    @Provide
    static Arbitrary<KernelTable> tables() {
        return Combinators.combine(FAMILIES, names(), Arbitraries.integers().between(0, 7))
                .as(KernelTable::new);
    }

    @Provide
    static Arbitrary<KernelChain> chains() {
        Arbitrary<KernelChain.Base> bases = Combinators.combine(
                        Arbitraries.of("filter", "nat", "route"),
                        Arbitraries.integers().between(0, 4),
                        Arbitraries.integers(),
                        Arbitraries.of(true, false))
                .as(KernelChain.Base::new);
        return Combinators.combine(tables(), names(), bases.optional(0.5), more(8))
                .as((table, name, base, more) -> new KernelChain(table.family(), table.name(), name, base, more));
    }

    @Provide
    static Arbitrary<KernelRule> rules() {
        return Combinators.combine(tables(), names(), expressions().list().ofMaxSize(12), octets(0, 40))
                .as((table, chain, expressions, userdata) ->
                        new KernelRule(table.family(), table.name(), chain, 0, expressions, userdata));
    }

    @Provide
    static Arbitrary<KernelSet> sets() {
        return Combinators.combine(
                        tables(), names(), Arbitraries.integers(), Arbitraries.integers(), lengths(), more(13))
                .as((table, name, id, flags, length, more) ->
                        new KernelSet(table.family(), table.name(), name, id, flags, 7, length, more));
    }

    @Provide
    static Arbitrary<List<SetElement>> elements() {
        return Combinators.combine(octets(1, 16), Arbitraries.of(true, false), more(2))
                .as(SetElement::new)
                .list()
                .ofMaxSize(1_200);
    }

    @Provide
    static Arbitrary<KernelObject> objects() {
        return Combinators.combine(tables(), Arbitraries.of(KernelObject.Kind.values()), names(), more(3))
                .as((table, kind, name, more) -> new KernelObject(table.family(), kind, table.name(), name, more));
    }

    @Provide
    static Arbitrary<String> comments() {
        return Arbitraries.strings().withCharRange(' ', '~').withChars('ü').ofMaxLength(SetElement.LONGEST_COMMENT / 2);
    }

    private static Arbitrary<Expression> expressions() {
        Arbitrary<Integer> registers = Arbitraries.integers().between(1, 4);
        Arbitrary<Octets> values = octets(1, 16);
        return Arbitraries.oneOf(
                Combinators.combine(Arbitraries.of(MetaKey.values()), registers).as(Expression.MetaLoad::new),
                Combinators.combine(Arbitraries.of(MetaKey.values()), registers).as(Expression.MetaSet::new),
                Combinators.combine(Arbitraries.of(CtKey.values()), registers).as(Expression.CtLoad::new),
                Combinators.combine(Arbitraries.of(CtKey.values()), registers).as(Expression.CtSet::new),
                Combinators.combine(Arbitraries.of(PayloadBase.values()), lengths(), lengths(), registers)
                        .as(Expression.PayloadLoad::new),
                Combinators.combine(Arbitraries.of(CmpOp.values()), registers, values)
                        .as(Expression.Cmp::new),
                Combinators.combine(registers, values)
                        .as((register, mask) ->
                                new Expression.Bitwise(register, mask, Octets.of(new byte[mask.length()]))),
                Combinators.combine(registers, names(), Arbitraries.integers(), Arbitraries.of(true, false))
                        .as(Expression.Lookup::new),
                Combinators.combine(registers, values).as(Expression.Immediate::new),
                verdicts().map(Expression.Decide::new),
                Combinators.combine(Arbitraries.longs(), Arbitraries.longs()).as(Expression.Counter::new),
                Combinators.combine(registers, lengths()).as(Expression.Redir::new),
                Combinators.combine(FAMILIES, registers).as(Expression.Snat::new),
                Combinators.combine(FAMILIES, registers).as(Expression.Tproxy::new),
                Combinators.combine(names(), lengths(), octets(0, 200)).as(Expression.XtMatch::new),
                Combinators.combine(names(), lengths(), octets(0, 200)).as(Expression.XtTarget::new),
                Combinators.combine(Arbitraries.of("limit", "log", "fib", "socket", "notrack", "masq", "nat"), more(30))
                        .as((name, more) -> new Expression.Other(
                                name,
                                Octets.of(AttributeWriter.write(writer -> more.forEach(
                                        attribute -> writer.bytes(attribute.type(), attribute.value())))))));
    }

    private static Arbitrary<Verdict> verdicts() {
        return Arbitraries.of(Verdict.Code.values()).flatMap(code -> switch (code) {
            case JUMP, GOTO -> names().map(chain -> new Verdict(code, chain));
            case DROP, ACCEPT, CONTINUE, BREAK, RETURN -> Arbitraries.just(Verdict.of(code));
        });
    }

    private static Arbitrary<List<Attribute>> more(int type) {
        return octets(0, 30).map(value -> new Attribute(type, value)).list().ofMaxSize(1);
    }

    private static Arbitrary<Integer> lengths() {
        return Arbitraries.integers().between(0, 255);
    }

    private static Arbitrary<String> names() {
        return Arbitraries.strings().withCharRange('!', '~').ofMinLength(1).ofMaxLength(31);
    }

    private static Arbitrary<Octets> octets(int least, int most) {
        return Arbitraries.bytes()
                .array(byte[].class)
                .ofMinSize(least)
                .ofMaxSize(most)
                .map(Octets::of);
    }

    /** The message as if the kernel had said it. */
    private static NetlinkReply sentBack(NetlinkMessage message) {
        List<NetlinkReply> replies = NetlinkReply.split(ByteBuffer.wrap(message.encode(7)));
        assertThat(replies).hasSize(1);
        assertThat(replies.getFirst().error()).isEqualTo(Optional.empty());
        return replies.getFirst();
    }
}
