// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import org.junit.jupiter.api.Test;

/** {@code meshcni iptables} in a real namespace. */
@NeedsRoot("makes network namespaces")
class NamespaceTest {
    private static final String JUMP = "-A PREROUTING -p tcp -j ISTIO_INBOUND";

    @Test
    void anInitContainerSetsUpTheRedirection() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            Run run = pod.meshcniUnder(PodNetns.AS_INIT_CONTAINER, "iptables", "-b", "*", "-i", "*");

            assertThat(run.err()).isEmpty();
            assertThat(run.exitCode()).isZero();
            assertThat(pod.exec("iptables-save")).contains(JUMP);
            assertThat(pod.exec("ip6tables-save")).doesNotContain("ISTIO");
            assertThat(pod.exec("cat", "/proc/net/ip_tables_names")).isEmpty();
        }
    }

    @Test
    void anInitContainerCanUseNftables() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            Run run =
                    pod.meshcniUnder(PodNetns.AS_INIT_CONTAINER, "iptables", "--native-nftables", "-b", "*", "-i", "*");

            assertThat(run.err()).isEmpty();
            assertThat(run.exitCode()).isZero();
            assertThat(pod.exec("nft", "list", "ruleset")).contains("redirect to :15006");
        }
    }

    @Test
    void aPodWithAnIpv6AddressIsRedirectedForBothFamilies() {
        try (PodNetns pod = PodNetns.create("fd00:9::2/64")) {
            Run run = pod.meshcni("iptables", "-b", "*", "-i", "*");

            assertThat(run.exitCode()).isZero();
            assertThat(pod.exec("ip6tables-save")).contains(JUMP);
            assertThat(pod.exec("ip", "-6", "address", "show", "dev", "lo")).contains("::6/128");
        }
    }

    @Test
    void aSecondRunWithTheSameFlagsChangesNothing() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.meshcni("iptables", "-b", "*", "-i", "*");
            String before = pod.exec("iptables-save", "-t", "nat");

            Run run = pod.meshcni("iptables", "-b", "*", "-i", "*");

            assertThat(run.exitCode()).isZero();
            assertThat(rules(pod.exec("iptables-save", "-t", "nat"))).isEqualTo(rules(before));
        }
    }

    @Test
    void otherFlagsNeedReconcile() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.meshcni("iptables", "-b", "*", "-i", "*");

            Run refused = pod.meshcni("iptables", "-b", "*", "-i", "*", "-d", "22");
            assertThat(refused.exitCode()).isEqualTo(1);
            assertThat(refused.err()).contains("--reconcile").contains("--dport 22");
            assertThat(pod.exec("iptables-save")).doesNotContain("--dport 22 ");

            Run replaced = pod.meshcni("iptables", "-b", "*", "-i", "*", "-d", "22", "--reconcile");
            assertThat(replaced.exitCode()).isZero();
            assertThat(pod.exec("iptables-save")).contains("--dport 22 -j RETURN");
        }
    }

    @Test
    void cleaningUpLeavesTheRulesOfOthers() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.exec("iptables", "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "--dport", "9", "-j", "ACCEPT");
            pod.meshcni("iptables", "-b", "*", "-i", "*", "-m", "TPROXY", "--drop-invalid", "--reconcile");

            Run run = pod.meshcni("iptables", "--cleanup-only");

            assertThat(run.exitCode()).isZero();
            assertThat(pod.exec("iptables-save")).doesNotContain("ISTIO").contains("--dport 9 -j ACCEPT");
            assertThat(pod.exec("ip", "rule")).doesNotContain("fwmark");
        }
    }

    @Test
    void cleaningUpWhereNothingIsSucceeds() {
        try (PodNetns pod = PodNetns.create()) {
            assertThat(pod.meshcni("iptables", "--cleanup-only").exitCode()).isZero();
        }
    }

    @Test
    void anotherNamespaceCanBeNamed() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            Run run = Run.meshcni(
                    "iptables",
                    "-b",
                    "*",
                    "-i",
                    "*",
                    "--network-namespace",
                    pod.path().toString());

            assertThat(run.err()).isEmpty();
            assertThat(run.exitCode()).isZero();
            assertThat(pod.exec("iptables-save")).contains(JUMP);
        }
    }

    @Test
    void skippingTheRulesAppliesNothing() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            assertThat(pod.meshcni("iptables", "-b", "*", "--skip-rule-apply").exitCode())
                    .isZero();
            assertThat(pod.exec("iptables-save")).doesNotContain("ISTIO");
        }
    }

    @Test
    void withoutNetAdminNothingCanBeSetUp() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            Run run = pod.meshcniUnder(PodNetns.WITHOUT_CAPABILITIES, "iptables", "-b", "*", "-i", "*");

            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.err()).contains("meshcni iptables: ").doesNotContain("\tat ");
        }
    }

    private static String rules(String saved) {
        return saved.replaceAll("(?m)^#.*$", "").replaceAll("\\[[0-9:]+]", "");
    }
}
