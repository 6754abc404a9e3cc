// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.NetnsException;
import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the contract of {@link RedirectBackend} asks of all backends, in real namespaces. */
@NeedsRoot("makes network namespaces")
class RedirectBackendTest {
    private static final IpFamily[] BOTH = IpFamily.values();
    private static final RedirectPlan NOTHING = new RedirectPlan(List.of(), List.of(), Optional.empty());

    /** A backend, made anew for each test. */
    record Kind(String name) {
        RedirectBackend make() {
            return make(_ -> {});
        }

        RedirectBackend make(Consumer<String> steps) {
            return switch (name) {
                case "nftables" -> new NftBackend(HostPaths.standard(), steps);
                case "nft" -> new IptablesBackend("nft", RuleWay.NETLINK, HostPaths.standard(), steps);
                default -> new IptablesBackend(variant(), RuleWay.PROGRAMS, HostPaths.standard(), steps);
            };
        }

        /** The variant of iptables that shows its rules. */
        String variant() {
            return name.equals("legacy") ? "legacy" : "nft";
        }
    }

    static Stream<Kind> kinds() {
        return Stream.of("nft", "nft by programs", "legacy", "nftables").map(Kind::new);
    }

    private static List<RedirectPlan> plans() {
        return List.of(
                Plans.redirect(IpFamily.IPV4),
                Plans.redirect(BOTH),
                Plans.tproxy(IpFamily.IPV4),
                Plans.tproxy(BOTH),
                Plans.everything(BOTH),
                Plans.excluding(100, 100, BOTH),
                Plans.ambient(IpFamily.IPV4),
                Plans.ambient(BOTH));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatIsAppliedIsWhatThePlanSaysAndASecondApplyChangesNothing(Kind kind) {
        List<String> steps = new ArrayList<>();
        RedirectBackend backend = kind.make(steps::add);
        for (RedirectPlan plan : plans()) {
            try (TestNetns netns = new TestNetns()) {
                assertThat(Visit.to(backend, netns.path()).differences(plan)).isNotEmpty();

                Visit.to(backend, netns.path()).apply(plan);
                assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();

                steps.clear();
                Visit.to(backend, netns.path()).apply(plan);
                assertThat(steps).as("changes made by a second apply").isEmpty();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void anotherPlanReplacesTheFormerOneAndRemoveLeavesWhatOthersHave(Kind kind) {
        try (TestNetns netns = new TestNetns()) {
            String tool = "iptables-" + kind.variant();
            netns.shell(tool + " -t nat -A OUTPUT -d 10.9.9.9 -j ACCEPT;" + tool
                    + " -t mangle -A PREROUTING -p icmp -j ACCEPT; nft add table inet others");
            String before = netns.state();
            RedirectBackend backend = kind.make();
            for (RedirectPlan plan : plans()) {
                Visit.to(backend, netns.path()).apply(plan);
                assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();
            }

            Visit.to(backend, netns.path()).remove();

            assertThat(netns.state()).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void aFailureAfterAnyStepLeavesTheNamespaceAsItWas(Kind kind) {
        failAfterEachStep(kind, NOTHING, Plans.everything(BOTH));
        failAfterEachStep(kind, Plans.everything(BOTH), Plans.tproxy(BOTH));
        failAfterEachStep(kind, Plans.tproxy(BOTH), Plans.redirect(IpFamily.IPV4));
        failAfterEachStep(kind, NOTHING, Plans.ambient(BOTH));
        failAfterEachStep(kind, Plans.tproxy(BOTH), Plans.ambient(IpFamily.IPV4));
        failAfterEachStep(kind, Plans.ambient(BOTH), NOTHING);
    }

    private static void failAfterEachStep(Kind kind, RedirectPlan before, RedirectPlan after) {
        try (TestNetns netns = new TestNetns()) {
            List<String> steps = new ArrayList<>();
            int[] failAt = {Integer.MAX_VALUE};
            RedirectBackend backend = kind.make(step -> {
                steps.add(step);
                if (steps.size() == failAt[0]) {
                    throw new IllegalStateException("injected after " + step);
                }
            });
            Visit.to(backend, netns.path()).apply(before);
            String state = netns.state();
            for (failAt[0] = 1; ; failAt[0]++) {
                steps.clear();
                try {
                    Visit.to(backend, netns.path()).apply(after);
                    break;
                } catch (RedirectException e) {
                    assertThat(e).hasMessageContaining("injected");
                    assertThat(netns.state()).as(steps.toString()).isEqualTo(state);
                }
            }
            assertThat(failAt[0]).as("steps").isGreaterThan(2);
            assertThat(Visit.to(backend, netns.path()).differences(after)).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatAnotherBackendLeftIsRemoved(Kind kind) {
        for (Kind other : kinds().filter(candidate -> !candidate.equals(kind)).toList()) {
            try (TestNetns netns = new TestNetns()) {
                Visit.to(kind.make(), netns.path()).apply(Plans.tproxy(BOTH));
                String alone = netns.state();

                Visit.to(other.make(), netns.path()).apply(Plans.everything(BOTH));
                Visit.to(kind.make(), netns.path()).apply(Plans.tproxy(BOTH));

                assertThat(netns.state()).as("after " + other).isEqualTo(alone);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void manyNamespacesAreServedAtOnce(Kind kind) throws Exception {
        RedirectBackend backend = kind.make();
        List<TestNetns> namespaces = new ArrayList<>();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            IntStream.range(0, 32).forEach(_ -> namespaces.add(new TestNetns()));
            RedirectPlan plan = Plans.everything(BOTH);
            List<Future<?>> applies = new ArrayList<>();
            namespaces.forEach(netns -> applies.add(
                    executor.submit(() -> Visit.to(backend, netns.path()).apply(plan))));
            for (Future<?> apply : applies) {
                apply.get();
            }
            for (TestNetns netns : namespaces) {
                assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();
            }
        } finally {
            namespaces.forEach(TestNetns::close);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void addressesAreThoseOfTheNamespaceWithoutLoopbackAndLinkLocal(Kind kind) {
        try (TestNetns netns = new TestNetns()) {
            netns.shell(
                    "ip link add veth0 type veth peer name veth1;"
                            + "ip addr add fd00:1::5/64 dev veth0 nodad; ip addr add 10.1.2.3/24 dev veth0;"
                            + "ip addr add fe80::1/64 dev veth0 nodad; ip link set veth0 up; ip addr add 10.1.2.4 peer 10.9.9.9 dev veth1");

            assertThat(Visit.to(kind.make(), netns.path()).addresses())
                    .extracting(address -> address.getHostAddress())
                    .containsExactlyInAnyOrder("10.1.2.3", "10.1.2.4", "fd00:1:0:0:0:0:0:5");
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void theNodesNamespaceIsToldFromAPods(Kind kind) {
        try (TestNetns netns = new TestNetns()) {
            assertThat(Visit.to(kind.make(), netns.path()).isOwn()).isFalse();
        }
        assertThat(Visit.to(kind.make(), Path.of("/proc/self/ns/net")).isOwn()).isTrue();
        assertThatThrownBy(() -> Visit.to(kind.make(), Path.of("/var/run/netns/meshcni-none"))
                        .isOwn())
                .isInstanceOf(NetnsException.class);
    }
}
