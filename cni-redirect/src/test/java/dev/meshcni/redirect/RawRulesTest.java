// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.IpFamily;
import dev.meshcni.rules.RuleSet;
import dev.meshcni.rules.Table;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RawRulesTest {
    @Test
    void capturedDnsGoesToTheAgentAndIsTrackedInTwoZones() {
        RuleSet rules = compile(RedirectParameters.builder().dns(new DnsCapture.AllResolvers()), IpFamily.IPV4);

        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT"))
                .containsSubsequence(
                        "tcp, not to 127.0.0.1, out through lo, to any port but 53 or 15008, by user 1337 → ISTIO_IN_REDIRECT",
                        "tcp, out through lo, to any port but 53, by any user but 1337 → return",
                        "by group 1337 → return",
                        "everything → ISTIO_OUTPUT_DNS",
                        "to 127.0.0.1 → return");
        assertThat(RuleLines.of(rules, Table.NAT, "ISTIO_OUTPUT_DNS"))
                .containsExactly(
                        "tcp, to port 53 → redirect to port 15053", "udp, to port 53 → redirect to port 15053");
        assertThat(RuleLines.of(rules, Table.RAW, "ISTIO_OUTPUT_DNS"))
                .containsExactly(
                        "udp, to port 53, by user 1337 → conntrack zone 1",
                        "udp, from port 15053, by user 1337 → conntrack zone 2",
                        "udp, to port 53, by group 1337 → conntrack zone 1",
                        "udp, from port 15053, by group 1337 → conntrack zone 2",
                        "udp, to port 53 → conntrack zone 2");
        assertThat(RuleLines.of(rules, Table.RAW, "ISTIO_INBOUND"))
                .containsExactly("udp, from port 53 → conntrack zone 1");
    }

    @Test
    void listedResolversConcernTheirFamilyOnly() {
        RedirectParametersBuilder parameters =
                RedirectParameters.builder().dns(new DnsCapture.Servers(List.of(InetAddress.ofLiteral("127.0.0.53"))));

        RuleSet ipv4 = compile(parameters, IpFamily.IPV4);
        RuleSet ipv6 = compile(parameters, IpFamily.IPV6);

        assertThat(RuleLines.of(ipv4, Table.NAT, "ISTIO_OUTPUT_DNS"))
                .containsExactly(
                        "tcp, to 127.0.0.53, to port 53 → redirect to port 15053",
                        "udp, to 127.0.0.53, to port 53 → redirect to port 15053");
        assertThat(ipv6.chain(Table.NAT, "ISTIO_OUTPUT_DNS")).isEmpty();
        assertThat(ipv6.chain(Table.RAW, "PREROUTING")).isEmpty();
        assertThat(RuleLines.of(ipv6, Table.RAW, "ISTIO_OUTPUT_DNS")).hasSize(4);
    }

    private static RuleSet compile(RedirectParametersBuilder parameters, IpFamily family) {
        return RuleCompiler.compile(parameters.build(), Set.of(family))
                .ruleSets()
                .getFirst();
    }
}
