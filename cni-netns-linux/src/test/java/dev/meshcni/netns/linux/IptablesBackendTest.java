// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference.Kind;
import dev.meshcni.testkit.NeedsRoot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@NeedsRoot("makes network namespaces")
class IptablesBackendTest {
    private static final IpFamily[] BOTH = IpFamily.values();

    @ParameterizedTest
    @ValueSource(strings = {"nft", "legacy"})
    void whatSomebodyChangedIsNamedAndMended(String variant) {
        try (TestNetns netns = new TestNetns()) {
            RedirectPlan plan = Plans.redirect(BOTH);
            IptablesBackend backend = new IptablesBackend(variant, HostPaths.standard());
            Visit.to(backend, netns.path()).apply(plan);
            netns.shell("iptables-" + variant + " -t nat -D ISTIO_OUTPUT -p tcp --dport 15020 -j RETURN;"
                    + "iptables-" + variant + " -t nat -I PREROUTING -p tcp --dport 80 -j ACCEPT;"
                    + "ip6tables-" + variant + " -t nat -A OUTPUT -j ISTIO_OUTPUT;"
                    + "ip -6 addr del ::6/128 dev lo");

            assertThat(Visit.to(backend, netns.path()).differences(plan))
                    .extracting(d -> d.kind() + " " + d.place())
                    .containsExactly(
                            Kind.MISPLACED + " ipv4 nat PREROUTING",
                            Kind.MISSING + " ipv4 nat ISTIO_OUTPUT",
                            Kind.UNEXPECTED + " ipv6 nat OUTPUT",
                            Kind.MISSING + " addresses of lo");

            Visit.to(backend, netns.path()).apply(plan);
            assertThat(Visit.to(backend, netns.path()).differences(plan)).isEmpty();
            assertThat(netns.exec("iptables-" + variant + "-save")).contains("--dport 80 -j ACCEPT");
        }
    }

    @Test
    void countersOfOthersSurviveAFailure() {
        try (TestNetns netns = new TestNetns()) {
            netns.shell("iptables-nft -t nat -A OUTPUT -d 127.0.0.9 -j ACCEPT -c 7 420");
            IptablesBackend backend = new IptablesBackend("nft", RuleWay.EITHER, HostPaths.standard(), step -> {
                throw new IllegalStateException("injected after " + step);
            });

            assertThatThrownBy(() -> Visit.to(backend, netns.path()).apply(Plans.redirect(IpFamily.IPV4)))
                    .isInstanceOf(RedirectException.class);

            assertThat(netns.exec("iptables-nft-save", "-c")).contains("[7:420] -A OUTPUT -d 127.0.0.9/32 -j ACCEPT");
        }
    }

    @Test
    void aTableThatOnlyNftUnderstandsIsNotTouched() {
        try (TestNetns netns = new TestNetns()) {
            netns.shell("nft 'add table ip nat; add chain ip nat OUTPUT { type nat hook output priority -99; };"
                    + " add rule ip nat OUTPUT tcp dport { 1, 2 } counter accept'");
            String before = netns.exec("nft", "list", "ruleset");
            IptablesBackend backend = new IptablesBackend("nft", HostPaths.standard());

            assertThatThrownBy(() -> Visit.to(backend, netns.path()).apply(Plans.redirect(IpFamily.IPV4)))
                    .isInstanceOf(RedirectException.class)
                    .hasMessageContaining("nat");

            assertThat(netns.exec("nft", "list", "ruleset")).isEqualTo(before);
        }
    }

    @Test
    void theVariantThatWorksIsFoundAndNamed() {
        assertThat(new IptablesBackend("", HostPaths.standard()).detect()).matches("iptables-nft [0-9.]+, by netlink");
        assertThat(new IptablesBackend("iptables-legacy", HostPaths.standard()).detect())
                .matches("iptables-legacy [0-9.]+, by its programs");
        assertThat(new IptablesBackend("/usr/sbin/iptables", HostPaths.standard()).detect())
                .matches("iptables [0-9.]+, by netlink");
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
