// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.IpFamily;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class IpFamiliesTest {
    @Test
    void ipv4IsAlwaysRedirected() {
        assertThat(choose(false).families()).containsExactly(IpFamily.IPV4);
        assertThat(choose(true, "10.0.0.5").families()).containsExactly(IpFamily.IPV4);
    }

    @Test
    void aFirstAddressOfIpv6MeansThatTheProxyListensOnIt() {
        IpFamilies chosen = choose(false, "2001:db8::5", "10.0.0.5");

        assertThat(chosen.families()).containsExactlyInAnyOrder(IpFamily.IPV4, IpFamily.IPV6);
        assertThat(chosen.uncovered()).isEmpty();
    }

    @Test
    void withoutDualStackASecondAddressOfIpv6StaysUncovered() {
        IpFamilies chosen = choose(false, "10.0.0.5", "2001:db8::5");

        assertThat(chosen.families()).containsExactly(IpFamily.IPV4);
        assertThat(chosen.uncovered()).containsExactly(InetAddress.ofLiteral("2001:db8::5"));
    }

    @Test
    void withDualStackAnyAddressOfIpv6Counts() {
        IpFamilies chosen = choose(true, "10.0.0.5", "2001:db8::5");

        assertThat(chosen.families()).containsExactlyInAnyOrder(IpFamily.IPV4, IpFamily.IPV6);
        assertThat(chosen.uncovered()).isEmpty();
    }

    @Test
    void loopbackAndLinkLocalAddressesDoNotCount() {
        IpFamilies chosen = choose(true, "::1", "fe80::1", "10.0.0.5");

        assertThat(chosen.families()).containsExactly(IpFamily.IPV4);
        assertThat(chosen.uncovered()).isEmpty();
    }

    private static IpFamilies choose(boolean dualStack, String... addresses) {
        List<InetAddress> parsed =
                Arrays.stream(addresses).map(InetAddress::ofLiteral).toList();
        return IpFamilies.choose(parsed, dualStack);
    }
}
