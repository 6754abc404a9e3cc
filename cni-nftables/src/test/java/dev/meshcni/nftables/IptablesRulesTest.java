// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.nftables;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.netfilter.SavedRule;
import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.Expression.Cmp;
import dev.meshcni.netlink.Expression.CmpOp;
import dev.meshcni.netlink.Expression.Decide;
import dev.meshcni.netlink.Expression.MetaKey;
import dev.meshcni.netlink.Expression.MetaLoad;
import dev.meshcni.netlink.Expression.Other;
import dev.meshcni.netlink.Expression.XtMatch;
import dev.meshcni.netlink.Expression.XtTarget;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.Octets;
import dev.meshcni.netlink.Verdict;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.ConnectionState;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.Mark;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Rules of a pod in the form of {@code iptables}: written, and read again. */
class IptablesRulesTest {
    private static final Arbitrary<Boolean> NEGATED = Arbitraries.of(true, false);
    private static final Arbitrary<Integer> PORTS = Arbitraries.integers().between(0, 65_535);
    private static final Arbitrary<Long> IDS = Arbitraries.longs().between(0, 0xffff_fffeL);

    @Property
    void whatIsWrittenIsWhatIsReadInEitherFamily(@ForAll("rules") RuleOf of) {
        List<Expression> written = IptablesExpressions.of(of.family(), of.rule());

        assertThat(IptablesRuleReader.read(of.family(), kernel(of.family(), written)))
                .isEqualTo(new SavedRule.Known(of.rule()));
    }

    @Property
    void aRuleThatSaysMoreIsNoneOfOurs(@ForAll("rules") RuleOf of, @ForAll("foreign") Expression foreign) {
        List<Expression> more = new ArrayList<>(IptablesExpressions.of(of.family(), of.rule()));
        more.addFirst(foreign);

        SavedRule read = IptablesRuleReader.read(of.family(), kernel(of.family(), more));

        assertThat(read).isInstanceOf(SavedRule.Foreign.class);
        assertThat(read.target()).isEqualTo(new SavedRule.Known(of.rule()).target());
    }

    @Test
    void aCommentSaysNothing() {
        XtMatch comment = new XtMatch("comment", 0, Octets.of(new byte[256]));

        assertThat(read(comment, new Decide(Verdict.jump("ISTIO_OUTPUT"))))
                .isEqualTo(new SavedRule.Known(new Rule(List.of(), new Target.Jump("ISTIO_OUTPUT"), "")));
    }

    /** Recorded: what {@code iptables-restore} 1.8.9 sends of {@code -m mark ! --mark 0x539/0xfff}. */
    @Test
    void aPartOfAMarkIsReadAsAnExpressionToo() {
        assertThat(read(
                        new MetaLoad(MetaKey.MARK, 1),
                        new Expression.Bitwise(1, Octets.u32(0xfff), Octets.u32(0)),
                        new Cmp(CmpOp.NEQ, 1, Octets.u32(0x539)),
                        new Decide(Verdict.of(Verdict.Code.ACCEPT))))
                .isEqualTo(new SavedRule.Known(new Rule(
                        List.of(new Match.PacketMark(new Mark(0x539, 0xfff), true)), new Target.Accept(), "")));
    }

    @Test
    void theBeginningOfANameIsNotAName() {
        assertThat(read(
                        new MetaLoad(MetaKey.OIFNAME, 1),
                        new Cmp(CmpOp.EQ, 1, Octets.of("eth".getBytes(StandardCharsets.US_ASCII))),
                        new Decide(Verdict.of(Verdict.Code.RETURN))))
                .isInstanceOf(SavedRule.Foreign.class);
    }

    @Test
    void aRuleWithoutATargetOrWithOneOfOthersIsTold() {
        assertThat(read(new Expression.Counter(1, 2)).target()).isEmpty();
        assertThat(read(new XtTarget("DNAT", 2, Octets.of(new byte[48]))).target())
                .isEqualTo("DNAT");
        assertThat(read(new Decide(new Verdict(Verdict.Code.GOTO, "ISTIO_X"))).target())
                .isEqualTo("ISTIO_X");
    }

    /** Recorded: what {@code iptables-restore} 1.8.9 sends of these extensions. */
    @Test
    void extensionsAreThoseOfTheReferenceProgram() {
        assertThat(Extensions.uid(new Match.UidOwner(1337, true)).info())
                .isEqualTo(hex("390500003905000000000000000000000101000000000000"));
        assertThat(Extensions.multiport(new Match.DestinationPorts(List.of(53, 15008), true))
                        .info())
                .isEqualTo(hex("01023500a03a" + "00".repeat(41) + "01"));
        assertThat(Extensions.mark("connmark", Mark.whole(0x539), true).info())
                .isEqualTo(hex("39050000ffffffff0100000000000000"));
        assertThat(Extensions.mark("connmark", new Mark(0x111, 0xfff), false).info())
                .isEqualTo(hex("11010000ff0f00000000000000000000"));
        assertThat(Extensions.connmark(Extensions.CONNMARK_SET, new Mark(0x111, 0xfff))
                        .info())
                .isEqualTo(hex("11010000ff0f0000ffffffff00000000"));
        assertThat(Extensions.connmark(Extensions.CONNMARK_SAVE).info())
                .isEqualTo(hex("00000000ffffffffffffffff00000100"));
        assertThat(Extensions.tproxy(new Target.Tproxy(15006, 0x539)).info())
                .isEqualTo(hex("ffffffff39050000" + "00".repeat(16) + "3a9e" + "00".repeat(6)));
        assertThat(Extensions.setMark(0x539).info()).isEqualTo(hex("39050000ffffffff"));
        assertThat(Extensions.zone(1).info()).isEqualTo(hex("00000100" + "00".repeat(68)));
        assertThat(Extensions.redirect(IpFamily.IPV4, 15001).info())
                .isEqualTo(hex("010000000200000000000000000000003a993a9900000000"));
        assertThat(Extensions.redirect(IpFamily.IPV6, 15001).info())
                .isEqualTo(hex("02000000" + "00".repeat(32) + "3a993a99"));
    }

    /** A rule, and the family of its addresses. */
    record RuleOf(IpFamily family, Rule rule) {}

    @Provide
    static Arbitrary<RuleOf> rules() {
        return Arbitraries.of(IpFamily.values())
                .flatMap(family -> Combinators.combine(matches(family), targets())
                        .as((matches, target) -> new RuleOf(family, new Rule(matches, target, ""))));
    }

    @Provide
    static Arbitrary<Expression> foreign() {
        return Arbitraries.of(
                new Other("limit", Octets.NONE),
                new XtMatch("tcp", 0, hex("010002000000ffff0000000000000000")),
                new XtMatch("owner", 1, Octets.of(new byte[24])),
                new XtMatch("statistic", 0, Octets.of(new byte[24])),
                new XtMatch("conntrack", 3, Octets.of(new byte[168])),
                new XtMatch("mark", 1, hex("0010000000010000" + "00".repeat(8))),
                new Cmp(CmpOp.EQ, 1, Octets.u8(6)));
    }

    private static Arbitrary<List<Match>> matches(IpFamily family) {
        Arbitrary<List<Match>> ends = Combinators.combine(
                        block(family).optional(0.3), block(family).optional(0.3), NEGATED)
                .as((from, to, negated) -> {
                    List<Match> matches = new ArrayList<>();
                    from.ifPresent(block -> matches.add(new Match.Source(block, negated)));
                    to.ifPresent(block -> matches.add(new Match.Destination(block, negated)));
                    return matches;
                });
        Arbitrary<Match> others = Arbitraries.oneOf(
                Combinators.combine(names(), NEGATED).as(Match.InInterface::new),
                Combinators.combine(names(), NEGATED).as(Match.OutInterface::new),
                Combinators.combine(IDS, NEGATED).as(Match.UidOwner::new),
                Combinators.combine(IDS, NEGATED).as(Match.GidOwner::new),
                Arbitraries.of(ConnectionState.values()).set().ofMinSize(1).map(Match.ConnState::new),
                Combinators.combine(marks(), NEGATED).as(Match.PacketMark::new),
                Combinators.combine(marks(), NEGATED).as(Match.ConnectionMark::new));
        return Combinators.combine(ends, ports(), others.list().ofMaxSize(3)).as((first, second, third) -> {
            List<Match> all = new ArrayList<>(first);
            all.addAll(second);
            all.addAll(third);
            return all;
        });
    }

    private static Arbitrary<List<Match>> ports() {
        Arbitrary<List<Match>> none = Arbitraries.just(List.of());
        Arbitrary<List<Match>> some = Combinators.combine(
                        Arbitraries.of(TransportProtocol.values()),
                        Combinators.combine(PORTS, NEGATED)
                                .as(Match.SourcePort::new)
                                .optional(0.3),
                        Combinators.combine(PORTS, NEGATED)
                                .as(Match.DestinationPort::new)
                                .optional(0.5),
                        Combinators.combine(PORTS.list().ofMinSize(1).ofMaxSize(15), NEGATED)
                                .as(Match.DestinationPorts::new)
                                .optional(0.3))
                .as((protocol, from, to, several) -> {
                    List<Match> matches = new ArrayList<>(List.of(new Match.Protocol(protocol)));
                    from.ifPresent(matches::add);
                    to.ifPresent(matches::add);
                    several.ifPresent(matches::add);
                    return matches;
                });
        return Arbitraries.oneOf(none, some);
    }

    private static Arbitrary<Target> targets() {
        return Arbitraries.oneOf(
                Arbitraries.of(
                        new Target.Return(),
                        new Target.Accept(),
                        new Target.Drop(),
                        new Target.SaveMark(),
                        new Target.RestoreMark()),
                Arbitraries.of("ISTIO_OUTPUT", "OTHERS").map(Target.Jump::new),
                PORTS.map(Target.Redirect::new),
                Combinators.combine(PORTS, Arbitraries.integers()).as(Target.Tproxy::new),
                Arbitraries.integers().map(Target.SetMark::new),
                marks().map(Target.SetConnectionMark::new),
                PORTS.map(Target.CtZone::new));
    }

    private static Arbitrary<Cidr> block(IpFamily family) {
        int length = family.addressBits() / Byte.SIZE;
        return Combinators.combine(
                        Arbitraries.bytes().array(byte[].class).ofSize(length),
                        Arbitraries.integers().between(1, family.addressBits()))
                .as((address, prefix) -> Cidr.of(TestAddress.of(address), prefix));
    }

    private static Arbitrary<Mark> marks() {
        Arbitrary<Mark> whole = Arbitraries.integers().map(Mark::whole);
        Arbitrary<Mark> parts = Combinators.combine(
                        Arbitraries.integers(), Arbitraries.integers().filter(mask -> mask != 0))
                .as((value, mask) -> new Mark(value & mask, mask));
        return Arbitraries.oneOf(whole, parts);
    }

    private static Arbitrary<InterfaceName> names() {
        return Arbitraries.of("lo", "eth0", "eth0.100", "k6t-eth0@x", "fifteen-letters")
                .map(InterfaceName::new);
    }

    private static SavedRule read(Expression... expressions) {
        return IptablesRuleReader.read(IpFamily.IPV4, kernel(IpFamily.IPV4, List.of(expressions)));
    }

    private static KernelRule kernel(IpFamily family, List<Expression> expressions) {
        NfProto proto = Headers.family(family);
        return KernelRule.of(new KernelTable(proto, "nat"), "OUTPUT", expressions);
    }

    private static Octets hex(String digits) {
        return Octets.of(HexFormat.of().parseHex(digits));
    }
}
