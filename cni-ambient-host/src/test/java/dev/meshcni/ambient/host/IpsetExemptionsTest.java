// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static dev.meshcni.ambient.host.PlayedHost.BOTH;
import static dev.meshcni.ambient.host.PlayedHost.ip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.core.spi.RedirectException;
import dev.meshcni.rules.IpFamily;
import dev.meshcni.testkit.NeedsRoot;
import java.net.InetAddress;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@NeedsRoot("makes network namespaces")
class IpsetExemptionsTest {
    private static final String UID = "0d0ce5f1-6a3f-4c59-9a5e-000000000001";
    private static final Map<InetAddress, String> WANTED = Map.of(ip("10.0.0.5"), UID, ip("fd00::5"), UID);

    private PlayedHost host;
    private HostProbes probes;

    @BeforeEach
    void makeHost() {
        host = new PlayedHost();
        probes = host.probes("legacy", BOTH);
    }

    @AfterEach
    void removeHost() {
        host.close();
    }

    @Test
    void theProgramsPrintSetsAndRules() {
        probes.restore(WANTED);

        assertThat(host.shell("ipset save").lines())
                .anyMatch(line -> line.startsWith("create istio-inpod-probes-v4 hash:ip family inet "))
                .anyMatch(line -> line.startsWith("create istio-inpod-probes-v6 hash:ip family inet6 "))
                .contains("add istio-inpod-probes-v4 10.0.0.5 comment \"" + UID + '"')
                .contains("add istio-inpod-probes-v6 fd00::5 comment \"" + UID + '"')
                .hasSize(4);
        assertThat(host.shell("iptables-legacy-save -t nat").lines())
                .contains(
                        "-A POSTROUTING -j ISTIO_POSTRT",
                        "-A ISTIO_POSTRT -p tcp -m owner --socket-exists -m set --match-set istio-inpod-probes-v4 dst"
                                + " -j SNAT --to-source 169.254.7.127");
        assertThat(host.shell("ip6tables-legacy-save -t nat").lines())
                .contains(
                        "-A POSTROUTING -j ISTIO_POSTRT",
                        "-A ISTIO_POSTRT -p tcp -m owner --socket-exists -m set --match-set istio-inpod-probes-v6 dst"
                                + " -j SNAT --to-source fd16:9254:7127:1337:ffff:ffff:ffff:ffff");
    }

    /** What Istio's node agent makes is what we make: it is taken over as it stands. */
    @Test
    void whatTheProgramsHaveMadeIsOurs() {
        host.shell("""
                ipset create istio-inpod-probes-v4 hash:ip family inet comment
                ipset add istio-inpod-probes-v4 10.0.0.5 comment %s
                ipset create istio-inpod-probes-v6 hash:ip family inet6 comment
                ipset add istio-inpod-probes-v6 fd00::5 comment %s
                printf '%s' | iptables-legacy-restore --noflush
                printf '%s' | ip6tables-legacy-restore --noflush
                """.formatted(UID, UID, text(IpFamily.IPV4), text(IpFamily.IPV6)));

        assertThat(probes.differences(WANTED)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ipset flush istio-inpod-probes-v4                  | entry 10.0.0.5 of UID UID is missing
            ipset del istio-inpod-probes-v6 fd00::5            | entry fd00::5 of UID UID is missing
            ipset add istio-inpod-probes-v4 10.0.0.7           | entry 10.0.0.7 of UID  is not wanted
            iptables-legacy -t nat -F                          | the rule of IPv4 is missing
            iptables-legacy -t nat -F ISTIO_POSTRT             | the rule of IPv4 is missing
            ip6tables-legacy -t nat -D POSTROUTING -j ISTIO_POSTRT | the jump of IPv6 from POSTROUTING to \
            ISTIO_POSTRT is missing
            iptables-legacy -t nat -I ISTIO_POSTRT -j ACCEPT   | the chain ISTIO_POSTRT of IPv4 has rules, or jumps \
            to it, that are not wanted
            iptables-legacy -t nat -A POSTROUTING -j ISTIO_POSTRT | the chain ISTIO_POSTRT of IPv4 has rules, or \
            jumps to it, that are not wanted
            iptables-legacy -t nat -F; iptables-legacy -t nat -X; ipset destroy istio-inpod-probes-v4 | the set \
            istio-inpod-probes-v4 is missing, or of another type
            """)
    void whatOthersDoToItIsNamedAndRestored(String command, String difference) {
        probes.restore(WANTED);
        host.shell(command);

        assertThat(probes.differences(WANTED)).contains(difference.replace("UID UID", "UID " + UID));
        probes.restore(WANTED);

        assertThat(probes.differences(WANTED)).isEmpty();
        assertThat(probes.entries()).isEqualTo(WANTED);
        assertThat(host.shell("iptables-legacy-save -t nat").lines().filter(line -> line.contains("ISTIO_POSTRT")))
                .hasSize(3);
    }

    @Test
    void aSetOfAnotherTypeIsReplaced() {
        host.shell("ipset create istio-inpod-probes-v4 hash:net; ipset add istio-inpod-probes-v4 10.0.0.0/8");

        assertThat(probes.differences(WANTED)).contains("the set istio-inpod-probes-v4 is missing, or of another type");
        probes.restore(WANTED);

        assertThat(probes.differences(WANTED)).isEmpty();
    }

    /** The set that is exchanged has all entries before it is; one that somebody holds fast is left as it was. */
    @Test
    void aReplacementThatFailsLeavesTheSetAsItWas() {
        probes.restore(WANTED);
        host.shell("""
                ipset create istio-inpod-probes-v4-new hash:ip
                iptables-legacy -A OUTPUT -m set --match-set istio-inpod-probes-v4-new dst -j ACCEPT
                """);

        assertThatThrownBy(() -> probes.restore(Map.of(ip("10.0.0.6"), "uid-b")))
                .isInstanceOf(RedirectException.class)
                .hasMessage("deleting the set istio-inpod-probes-v4-new: error 4100 of ip_set");

        assertThat(probes.entries()).isEqualTo(WANTED);
        host.shell("iptables-legacy -F OUTPUT");
        probes.restore(Map.of(ip("10.0.0.6"), "uid-b"));
        assertThat(probes.entries()).isEqualTo(Map.of(ip("10.0.0.6"), "uid-b"));
        assertThat(host.shell("ipset list -n")).doesNotContain("-new");
    }

    private static String text(IpFamily family) {
        return new ProbeChain(family, BOTH.get(family)).text().replace("\n", "\\n");
    }
}
