package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.IpFamily;
import dev.meshcni.core.RedirectException;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class IptablesBackendTest {
    private static final IpFamily[] BOTH = IpFamily.values();

    @BeforeAll
    static void needsRoot() {
        TestNetns.needsRoot();
    }

    static Stream<RedirectPlan> plans() {
        return Stream.of(
                Plans.redirect(IpFamily.IPV4),
                Plans.redirect(BOTH),
                Plans.tproxy(IpFamily.IPV4),
                Plans.tproxy(BOTH),
                Plans.everything(BOTH),
                Plans.excluding(100, 100, BOTH));
    }

    @ParameterizedTest
    @MethodSource("plans")
    void whatTheNftVariantAppliesIsWhatThePlanSays(RedirectPlan plan) {
        applyTwice("nft", plan);
    }

    @ParameterizedTest
    @MethodSource("plans")
    void whatTheLegacyVariantAppliesIsWhatThePlanSays(RedirectPlan plan) {
        applyTwice("legacy", plan);
    }

    private static void applyTwice(String variant, RedirectPlan plan) {
        try (TestNetns netns = new TestNetns()) {
            List<String> steps = new ArrayList<>();
            IptablesBackend backend = new IptablesBackend(variant, HostPaths.standard(), steps::add);
            assertThat(backend.differences(netns.path(), plan)).isNotEmpty();

            backend.apply(netns.path(), plan);
            assertThat(backend.differences(netns.path(), plan)).isEmpty();

            steps.clear();
            backend.apply(netns.path(), plan);
            assertThat(steps).as("changes made by a second apply").isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void anotherPlanReplacesTheFormerOneAndRemoveLeavesNothing(String variant) {
        try (TestNetns netns = new TestNetns()) {
            netns.shell("iptables-" + variant + " -t nat -A OUTPUT -d 10.9.9.9 -j ACCEPT;" + "iptables-" + variant
                    + " -t mangle -A PREROUTING -p icmp -j ACCEPT");
            String before = netns.state();
            IptablesBackend backend = new IptablesBackend(variant, HostPaths.standard());
            for (RedirectPlan plan : plans().toList()) {
                backend.apply(netns.path(), plan);
                assertThat(backend.differences(netns.path(), plan)).isEmpty();
            }

            backend.remove(netns.path());

            assertThat(netns.state()).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void aFailureAfterAnyStepLeavesTheNamespaceAsItWas(String variant) {
        RedirectPlan nothing = new RedirectPlan(List.of(), List.of(), Optional.empty());
        failAfterEachStep(variant, nothing, Plans.everything(BOTH));
        failAfterEachStep(variant, Plans.everything(BOTH), Plans.tproxy(BOTH));
        failAfterEachStep(variant, Plans.tproxy(BOTH), Plans.redirect(IpFamily.IPV4));
    }

    private static void failAfterEachStep(String variant, RedirectPlan before, RedirectPlan after) {
        try (TestNetns netns = new TestNetns()) {
            List<String> steps = new ArrayList<>();
            int[] failAt = {Integer.MAX_VALUE};
            IptablesBackend backend = new IptablesBackend(variant, HostPaths.standard(), step -> {
                steps.add(step);
                if (steps.size() == failAt[0]) {
                    throw new IllegalStateException("injected after " + step);
                }
            });
            backend.apply(netns.path(), before);
            String state = netns.state();
            for (failAt[0] = 1; ; failAt[0]++) {
                steps.clear();
                try {
                    backend.apply(netns.path(), after);
                    break;
                } catch (RedirectException e) {
                    assertThat(netns.state()).as(steps.toString()).isEqualTo(state);
                }
            }
            assertThat(backend.differences(netns.path(), after)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void whatSomebodyChangedIsNamedAndMended(String variant) {
        try (TestNetns netns = new TestNetns()) {
            RedirectPlan plan = Plans.redirect(BOTH);
            IptablesBackend backend = new IptablesBackend(variant, HostPaths.standard());
            backend.apply(netns.path(), plan);
            netns.shell("iptables-" + variant + " -t nat -D ISTIO_OUTPUT -p tcp --dport 15020 -j RETURN;"
                    + "iptables-" + variant + " -t nat -I PREROUTING -p tcp --dport 80 -j ACCEPT;"
                    + "ip6tables-" + variant + " -t nat -A OUTPUT -j ISTIO_OUTPUT;"
                    + "ip -6 addr del ::6/128 dev lo");

            assertThat(backend.differences(netns.path(), plan))
                    .extracting(d -> d.kind() + " " + d.place())
                    .containsExactly(
                            Kind.MISPLACED + " ipv4 nat PREROUTING",
                            Kind.MISSING + " ipv4 nat ISTIO_OUTPUT",
                            Kind.UNEXPECTED + " ipv6 nat OUTPUT",
                            Kind.MISSING + " addresses of lo");

            backend.apply(netns.path(), plan);
            assertThat(backend.differences(netns.path(), plan)).isEmpty();
            assertThat(netns.exec("iptables-" + variant + "-save")).contains("--dport 80 -j ACCEPT");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void rulesThatTheOtherVariantLeftAreRemoved(String variant) {
        String other = variant.equals("nft") ? "legacy" : "nft";
        try (TestNetns netns = new TestNetns()) {
            RedirectPlan plan = Plans.redirect(BOTH);
            new IptablesBackend(other, HostPaths.standard()).apply(netns.path(), plan);
            new IptablesBackend(variant, HostPaths.standard()).apply(netns.path(), plan);

            assertThat(netns.exec("iptables-" + other + "-save")).doesNotContain("ISTIO");
            assertThat(netns.exec("ip6tables-" + variant + "-save")).contains("ISTIO");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"does-not-exist", "/opt/none/iptables-nft"})
    void aForcedVariantThatIsNotInstalledIsNamed(String forced) {
        IptablesBackend backend = new IptablesBackend(forced, HostPaths.standard());

        assertThatThrownBy(backend::detect)
                .isInstanceOf(RedirectException.class)
                .hasMessageContaining(forced)
                .hasMessageContaining("install the package iptables");
    }
}
