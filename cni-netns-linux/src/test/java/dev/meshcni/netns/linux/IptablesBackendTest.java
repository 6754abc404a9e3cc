// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectBackend;
import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.libc.RefusedException;
import dev.meshcni.netlink.Expression;
import dev.meshcni.netlink.KernelChain;
import dev.meshcni.netlink.KernelRule;
import dev.meshcni.netlink.KernelTable;
import dev.meshcni.netlink.NfBatch;
import dev.meshcni.netlink.NfProto;
import dev.meshcni.netlink.NfTables;
import dev.meshcni.netlink.Octets;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleDifference.Kind;
import dev.meshcni.testkit.NeedsRoot;
import java.util.ArrayList;
import java.util.List;
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

    /** The kernel is asked for a match that it lacks, as one without nft_compat is with each of them. */
    @Test
    void theProgramsRedirectWhereTheKernelRefusesMatchesOfIptables() {
        List<String> refusals = new ArrayList<>();
        NodeTools tools = IptablesDetection.detect(
                "nft",
                RuleWay.EITHER,
                (_, _) -> NetworkNamespace.insideNew(() -> {
                    try (NetfilterTables netfilter = new NetfilterTables()) {
                        netfilter.transact(matching("nomatch"));
                        return null;
                    } catch (RefusedException e) {
                        refusals.add(e.getMessage());
                        throw e;
                    }
                }));

        assertThat(refusals)
                .hasSize(2)
                .allSatisfy(refusal -> assertThat(refusal).isEqualTo("the rule: No such file or directory"));
        assertThat(tools.version()).matches("iptables-nft [0-9.]+, by its programs");
        assertThat(tools.problems()).isEmpty();
        RedirectPlan plan = Plans.redirect(IpFamily.IPV4);
        try (TestNetns netns = new TestNetns()) {
            NetworkNamespace.inside(netns.path(), () -> {
                try (NamespaceSockets sockets = new NamespaceSockets()) {
                    SessionHandle.apply(sockets, plan, tools.layers(plan), _ -> {});
                    return null;
                }
            });
            assertThat(Visit.to(new IptablesBackend("nft", HostPaths.standard()), netns.path())
                            .differences(plan))
                    .isEmpty();
        }
    }

    private static NfBatch matching(String extension) {
        KernelTable table = new KernelTable(NfProto.IPV4, "nat");
        return new NfBatch()
                .add(() -> "the table", NfTables.add(table))
                .add(() -> "the chain", NfTables.add(KernelChain.regular(table, "c")))
                .add(
                        () -> "the rule",
                        NfTables.append(KernelRule.of(
                                table, "c", List.of(new Expression.XtMatch(extension, 0, Octets.of(new byte[8]))))));
    }

    @Test
    void theWayOfRulesIsChosenByNameAndWithTheProgram() {
        RedirectBackend backend = new IptablesBackend("", HostPaths.standard());

        assertThat(backend.by("programs").with("nft").detect()).endsWith(", by its programs");
        assertThat(backend.with("nft").by("netlink").detect()).endsWith(", by netlink");
        assertThatThrownBy(() -> backend.by("magic"))
                .isInstanceOf(RedirectException.class)
                .hasMessageContaining("'magic'")
                .hasMessageContaining("netlink, programs");
        assertThatThrownBy(() -> backend.with("legacy").by("netlink").detect())
                .isInstanceOf(RedirectException.class)
                .hasMessageContaining("legacy");
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
