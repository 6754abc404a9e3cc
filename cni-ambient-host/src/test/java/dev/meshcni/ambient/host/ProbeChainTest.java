// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.rules.IpFamily;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProbeChainTest {
    private final ProbeChain chain = new ProbeChain(IpFamily.IPV4, PlayedHost.BOTH.get(IpFamily.IPV4));
    private final ProbeChain chain6 = new ProbeChain(IpFamily.IPV6, PlayedHost.BOTH.get(IpFamily.IPV6));

    @Test
    void rulesAreThoseOfIstiosNodeAgent() {
        assertThat(chain.text()).isEqualTo("""
                * nat
                -N ISTIO_POSTRT
                -I POSTROUTING 1 -j ISTIO_POSTRT
                -A ISTIO_POSTRT -m owner --socket-exists -p tcp -m set --match-set istio-inpod-probes-v4 dst \
                -j SNAT --to-source 169.254.7.127
                COMMIT
                """);
        assertThat(chain6.text()).isEqualTo("""
                * nat
                -N ISTIO_POSTRT
                -I POSTROUTING 1 -j ISTIO_POSTRT
                -A ISTIO_POSTRT -m owner --socket-exists -p tcp -m set --match-set istio-inpod-probes-v6 dst \
                -j SNAT --to-source fd16:9254:7127:1337:ffff:ffff:ffff:ffff
                COMMIT
                """);
    }

    @Test
    void whatIsThereIsKeptAndTheRestIsMadeInOneStep() {
        List<String> saved = List.of(
                "*nat",
                ":POSTROUTING ACCEPT [0:0]",
                ":ISTIO_POSTRT - [0:0]",
                "-A POSTROUTING -j OTHER",
                "-A POSTROUTING -j ISTIO_POSTRT",
                "-A POSTROUTING -j ISTIO_POSTRT",
                "COMMIT");

        assertThat(chain.objections(saved))
                .containsExactly(
                        "the rule of IPv4 is missing",
                        "the chain ISTIO_POSTRT of IPv4 has rules, or jumps to it, that are not wanted");
        assertThat(chain.change(saved)).isEqualTo("""
                *nat
                :ISTIO_POSTRT - [0:0]
                -D POSTROUTING -j ISTIO_POSTRT
                -A ISTIO_POSTRT -p tcp -m owner --socket-exists -m set --match-set istio-inpod-probes-v4 dst \
                -j SNAT --to-source 169.254.7.127
                COMMIT
                """);
        assertThat(ProbeChain.removal(saved)).isEqualTo("""
                *nat
                -D POSTROUTING -j ISTIO_POSTRT
                -D POSTROUTING -j ISTIO_POSTRT
                -F ISTIO_POSTRT
                -X ISTIO_POSTRT
                COMMIT
                """);
    }

    @Test
    void nothingIsTakenOutWhereNothingIs() {
        assertThat(ProbeChain.removal(List.of())).isEmpty();
    }
}
