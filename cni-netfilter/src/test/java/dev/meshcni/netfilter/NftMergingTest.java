// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netfilter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.Match;
import dev.meshcni.rules.Rule;
import dev.meshcni.rules.Target;
import dev.meshcni.rules.TransportProtocol;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class NftMergingTest {
    private static final List<Cidr> BLOCKS = Stream.of("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "11.0.0.0/8")
            .map(Cidr::parse)
            .toList();
    private static final List<String> ADDRESSES = List.of("10.0.0.1", "10.1.0.1", "10.1.2.1", "11.0.0.1", "12.0.0.1");

    private record TestPacket(TransportProtocol protocol, int port, Cidr destination, long uid) {}

    @Property(tries = 500)
    void noPacketMeetsOtherActionsThanBefore(@ForAll("rules") List<Rule> rules) {
        List<NftMerging.Joined> joined = NftMerging.join(rules);

        assertThat(joined).hasSizeLessThanOrEqualTo(rules.size());
        for (TestPacket packet : packets()) {
            List<Target> before = rules.stream()
                    .filter(rule -> applies(rule, packet))
                    .map(Rule::target)
                    .toList();
            List<Target> after = joined.stream()
                    .filter(rule -> applies(rule, packet))
                    .map(rule -> rule.rule().target())
                    .toList();
            assertThat(firstOfEachRun(after)).isEqualTo(firstOfEachRun(before));
        }
    }

    @Provide
    Arbitrary<List<Rule>> rules() {
        Arbitrary<Match> match = Arbitraries.oneOf(
                Arbitraries.of(1, 2, 3).map(port -> new Match.DestinationPort(port, false)),
                Arbitraries.of(BLOCKS).map(block -> new Match.Destination(block, false)),
                Arbitraries.of(true, false).map(negated -> new Match.UidOwner(1337, negated)));
        Arbitrary<Target> target = Arbitraries.of(
                new Target.Return(), new Target.Accept(), new Target.SetMark(1), new Target.Jump("ISTIO_OUTPUT"));
        return Combinators.combine(
                        Arbitraries.of(TransportProtocol.class), match.set().ofMaxSize(2), target)
                .as((protocol, matches, decided) -> {
                    List<Match> all = new ArrayList<>(matches);
                    all.add(new Match.Protocol(protocol));
                    return new Rule(all, decided, "");
                })
                .list()
                .ofMaxSize(12);
    }

    /** Doing the same twice in a row is doing it once, for all targets that can be joined. */
    private static List<Target> firstOfEachRun(List<Target> targets) {
        List<Target> runs = new ArrayList<>();
        for (Target target : targets) {
            if (runs.isEmpty() || !runs.getLast().equals(target)) {
                runs.add(target);
            }
        }
        return runs;
    }

    private static List<TestPacket> packets() {
        List<TestPacket> packets = new ArrayList<>();
        for (TransportProtocol protocol : TransportProtocol.values()) {
            for (int port = 1; port <= 4; port++) {
                for (String address : ADDRESSES) {
                    for (long uid : List.of(0L, 1337L)) {
                        packets.add(new TestPacket(protocol, port, Cidr.parse(address), uid));
                    }
                }
            }
        }
        return packets;
    }

    private static boolean applies(NftMerging.Joined joined, TestPacket packet) {
        return applies(joined.rule(), packet)
                && (joined.ports().isEmpty() || joined.ports().contains(packet.port()))
                && (joined.blocks().isEmpty()
                        || joined.blocks().stream()
                                .anyMatch(block ->
                                        block.contains(packet.destination().address())));
    }

    private static boolean applies(Rule rule, TestPacket packet) {
        return rule.matches().stream().allMatch(match -> switch (match) {
            case Match.Protocol(var protocol) -> protocol == packet.protocol();
            case Match.DestinationPort(var port, var negated) -> (port == packet.port()) != negated;
            case Match.Destination(var block, var negated) ->
                block.contains(packet.destination().address()) != negated;
            case Match.UidOwner(var uid, var negated) -> (uid == packet.uid()) != negated;
            default -> throw new AssertionError(match);
        });
    }
}
