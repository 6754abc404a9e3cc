// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import org.junit.jupiter.api.Test;

/** {@code meshcni validate} in a real namespace, as the processes of a pod would run it. */
@NeedsRoot("makes network namespaces")
class ValidationTest {
    private static final String[] REDIRECT_ALL = {"iptables", "-b", "*", "-i", "*", "-u", "1337", "-g", "1337"};

    @Test
    void aPodThatIsNotRedirectedIsTold() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            Run run = pod.meshcni("validate", "--probe-timeout", "100ms");

            assertThat(run.exitCode()).isEqualTo(126);
            assertThat(run.out()).contains("ipv4 outbound: NOT redirected").contains("ipv4 inbound: NOT redirected");
            assertThat(run.err())
                    .contains("ipv4 outbound, ipv4 inbound traffic")
                    .contains("istio-cni-node");
        }
    }

    @Test
    void rootFindsAllTrafficOfBothFamiliesRedirected() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24", "fd00:9::2/64")) {
            String[] flags = {"--dual-stack", "--redirect-dns", "--capture-all-dns"};
            pod.meshcni(concat(REDIRECT_ALL, flags));

            Run run = pod.meshcni(concat(new String[] {"validate"}, flags));

            assertThat(run.out().lines())
                    .hasSize(8)
                    .allMatch(line -> line.contains(": redirected, "))
                    .anyMatch(line -> line.startsWith("ipv6 DNS over UDP"));
            assertThat(run.err()).isEmpty();
            assertThat(run.exitCode()).isZero();
        }
    }

    @Test
    void trafficThatAloneIsNotRedirectedIsNamed() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.meshcni(REDIRECT_ALL);
            pod.exec("iptables", "-t", "nat", "-D", "PREROUTING", "-p", "tcp", "-j", "ISTIO_INBOUND");

            Run run = pod.meshcni("validate");

            assertThat(run.exitCode()).isEqualTo(126);
            assertThat(run.out()).contains("ipv4 outbound: redirected").contains("ipv4 inbound: NOT redirected");
            assertThat(run.err()).startsWith("Not redirected to the proxy: ipv4 inbound traffic.");
        }
    }

    @Test
    void aPodThatNftablesRedirectsIsValidatedAlike() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            assertThat(pod.meshcni("validate", "--native-nftables", "--probe-timeout", "100ms")
                            .out())
                    .contains("ipv4 inbound: NOT redirected");
            pod.meshcni(concat(REDIRECT_ALL, "--native-nftables"));

            Run run = pod.meshcni("validate", "--native-nftables");

            assertThat(run.out()).contains("ipv4 outbound: redirected").contains("ipv4 inbound: redirected");
            assertThat(run.exitCode()).isZero();
        }
    }

    @Test
    void missingDnsRedirectionIsFound() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.meshcni(REDIRECT_ALL);

            Run run = pod.meshcni("validate", "--redirect-dns", "--capture-all-dns", "--probe-timeout", "100ms");

            assertThat(run.exitCode()).isEqualTo(126);
            assertThat(run.out()).contains("ipv4 DNS over UDP: NOT redirected").contains("ipv4 outbound: redirected");
        }
    }

    @Test
    void theProxysUserNeedsNoCapabilityToTestOutboundTraffic() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            // The user of this test stands for the proxy's: files of the build need not be readable for others.
            pod.meshcni("iptables", "-b", "*", "-i", "*", "-u", "0", "-g", "0");

            Run run = pod.meshcniUnder(PodNetns.WITHOUT_CAPABILITIES, "validate", "-u", "0", "-g", "0");

            assertThat(run.out()).contains("ipv4 outbound: redirected").contains("ipv4 inbound: not tested");
            assertThat(run.exitCode()).isZero();
        }
    }

    @Test
    void theProxysUserFindsOutboundTrafficNotRedirected() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            Run run = pod.meshcniUnder(
                    PodNetns.WITHOUT_CAPABILITIES, "validate", "-u", "0", "-g", "0", "--probe-timeout", "100ms");

            assertThat(run.exitCode()).isEqualTo(126);
            assertThat(run.err()).contains("ipv4 outbound traffic");
        }
    }

    @Test
    void aUserWhoCanTestNothingIsNotToldThatAllIsWell() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            pod.meshcni(REDIRECT_ALL);

            Run run = pod.meshcniUnder(PodNetns.WITHOUT_CAPABILITIES, "validate", "-u", "1337", "-g", "1337");

            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.out()).contains("run this as that user, or as root");
            assertThat(run.err()).contains("Nothing could be tested");
        }
    }

    @Test
    void validationCanFollowTheSettingUp() {
        try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
            Run run = pod.meshcni(concat(REDIRECT_ALL, "--run-validation"));

            assertThat(run.out()).contains("ipv4 outbound: redirected").contains("ipv4 inbound: redirected");
            assertThat(run.exitCode()).isZero();
        }
    }

    private static String[] concat(String[] first, String... second) {
        String[] all = new String[first.length + second.length];
        System.arraycopy(first, 0, all, 0, first.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }
}
