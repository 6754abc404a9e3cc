// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.netfilter.IptablesRenderer;
import dev.meshcni.netns.linux.IptablesBackend;
import dev.meshcni.netns.linux.NftBackend;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import dev.meshcni.trace.PacketExplanation;
import dev.meshcni.trace.PacketTrace;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Real sockets find what {@link PacketTrace} says: for parameters at random, every backend, and both families. */
@Slow
@NeedsRoot("makes network namespaces")
class TracedPacketsTest {
    private static final int PACKETS = 50;

    /**
     * A flight whose port was that of an earlier one goes where its connection went, by conntrack and not by the rules;
     * it has another port the next time.
     */
    private static final int ATTEMPTS = 3;

    private static final Map<String, Integer> SEEN = new TreeMap<>();
    private static final List<RedirectBackend> BACKENDS = List.of(new IptablesBackend(), new NftBackend());

    @BeforeContainer
    static void needs() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables", "nft");
        BACKENDS.forEach(RedirectBackend::detect);
    }

    /** A trace that only ever said one thing would be easy to agree with. */
    @AfterContainer
    static void everyKindOfVerdictWasPutToTheTest() {
        for (RedirectBackend backend : BACKENDS) {
            for (String family : List.of("ipv4", "ipv6")) {
                assertThat(SEEN)
                        .containsKeys(
                                backend.name() + " " + family + " tcp Untouched",
                                backend.name() + " " + family + " tcp Redirected",
                                backend.name() + " " + family + " tcp Tproxied",
                                backend.name() + " " + family + " udp Untouched",
                                backend.name() + " " + family + " udp Redirected");
            }
        }
    }

    @Property(tries = 64, shrinking = ShrinkingMode.OFF)
    void packetsArriveWhereTheTraceSays(@ForAll long seed) {
        Random random = new Random(seed);
        RedirectParameters parameters = new RandomParameters(random).next();
        RedirectPlan plan = RuleCompiler.compile(parameters, Set.of(IpFamily.IPV4, IpFamily.IPV6));
        List<PacketPool.Flight> flights = new PacketPool(random).flights(PACKETS);
        for (RedirectBackend backend : BACKENDS) {
            try (PodNetns world = PodNetns.create()) {
                Visit.to(backend, world.pod().path()).apply(plan);
                assertThat(Visit.to(backend, world.pod().path()).differences(plan))
                        .isEmpty();
                listen(world);
                for (PacketPool.Flight flight : flights) {
                    compare(backend, world, plan, flight);
                }
            }
        }
    }

    private static void listen(PodNetns world) {
        world.listenInside("proxy", Owner.PROXY, RandomParameters.PROXY_PORTS);
        world.listenInside("app", Owner.APPLICATION, PacketPool.PORTS);
        world.listenBeyond("beyond", PacketPool.PORTS_BEYOND);
    }

    private static void compare(RedirectBackend backend, PodNetns world, RedirectPlan plan, PacketPool.Flight flight) {
        PacketTrace trace = flight.trace(plan);
        Optional<String> expected = flight.place(trace);
        if (expected.isEmpty()) {
            return;
        }
        SEEN.merge(
                backend.name() + " " + trace.packet().family().label() + " "
                        + trace.packet().protocol().label() + " "
                        + trace.verdict().getClass().getSimpleName(),
                1,
                Integer::sum);
        Outcome outcome = flight.send(world);
        for (int again = 1; again < ATTEMPTS && !outcome.place().equals(expected.get()); again++) {
            outcome = flight.send(world);
        }
        if (!outcome.place().equals(expected.get())) {
            throw new AssertionError("with " + backend.name() + ", " + flight + "\narrived at " + outcome
                    + "\ninstead of " + expected.get() + ", as the trace has it:\n"
                    + PacketExplanation.of(trace).text() + "\nThe rules:\n"
                    + plan.ruleSet(trace.packet().family())
                            .map(IptablesRenderer::render)
                            .orElse("none"));
        }
    }
}
