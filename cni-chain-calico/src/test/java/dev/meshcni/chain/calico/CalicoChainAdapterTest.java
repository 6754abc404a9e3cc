// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.chain.calico;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.contract.ChainAdapterContract;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CalicoChainAdapterTest extends ChainAdapterContract {
    private static final String NETNS = "/var/run/netns/cni-1";

    @Override
    protected ChainAdapter adapter() {
        return new CalicoChainAdapter();
    }

    @Override
    protected Map<String, String> baseFiles() {
        return Map.of("10-calico.conflist", """
            {
              "name": "k8s-pod-network",
              "cniVersion": "0.3.1",
              "plugins": [
                {
                  "type": "calico",
                  "log_level": "info",
                  "log_file_path": "/var/log/calico/cni/cni.log",
                  "datastore_type": "kubernetes",
                  "nodename": "worker-1",
                  "mtu": 0,
                  "ipam": {
                      "type": "calico-ipam"
                  },
                  "policy": {
                      "type": "k8s"
                  },
                  "kubernetes": {
                      "kubeconfig": "/etc/cni/net.d/calico-kubeconfig"
                  }
                },
                {
                  "type": "portmap",
                  "snat": true,
                  "capabilities": {"portMappings": true}
                },
                {
                  "type": "bandwidth",
                  "capabilities": {"bandwidth": true}
                }
              ]
            }
            """, "calico-kubeconfig", "kind: Config");
    }

    @Override
    protected AttachmentContext typicalAttachment() {
        return attachment("""
            {"cniVersion":"0.3.1","interfaces":[{"name":"cali82111e10a96"}],
             "ips":[{"version":"4","address":"192.168.52.131/32"},
                    {"version":"6","address":"fd00:10:244::1f/128"}],"dns":{}}
            """);
    }

    @Test
    void itIsRecognisedByItsFirstPlugin() {
        assertThat(adapter().detect(ConfDirSnapshot.of(DIR, baseFiles()), settings()))
                .isEqualTo(Detection.certain("10-calico.conflist", "its first plugin is calico"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"""
        {"cniVersion":"1.0.0","interfaces":[{"name":"cali82111e10a96","mac":"c6:00:00:00:00:01","mtu":1450,
         "sandbox":"/var/run/netns/cni-1"}],"ips":[{"address":"192.168.52.131/32"}]}
        """, """
                    {"cniVersion":"1.0.0","interfaces":[{"name":"eni82111e10a96"}],
                     "ips":[{"address":"192.168.52.131/32","gateway":"169.254.1.1"},{"address":"fd00::1/128","gateway":"fe80::1"}]}
                    """, "{\"cniVersion\":\"0.2.0\",\"ip4\":{\"ip\":\"192.168.52.131/32\"}}"})
    void whatCalicoReportsInItsVersionsIsFine(String result) {
        assertThat(adapter().violations(attachment(result))).isEmpty();
    }

    @Test
    void anAddressThatIsNoHostAddressIsAViolation() {
        assertThat(adapter().violations(attachment("{\"ips\":[{\"address\":\"192.168.52.131/26\"}]}")))
                .containsExactly("Calico assigns /32 and /128 addresses, but 192.168.52.131/26 is neither");
    }

    @Test
    void aGatewayThatIsNotLinkLocalIsAViolation() {
        assertThat(adapter()
                        .violations(attachment(
                                "{\"ips\":[{\"address\":\"192.168.52.131/32\",\"gateway\":\"192.168.52.129\"}]}")))
                .containsExactly("Calico routes pods to a link-local gateway, but 192.168.52.129 is not link-local");
    }

    @Test
    void calicosRewritesAreKnown() {
        assertThat(adapter().findings(ConfDirSnapshot.of(DIR, baseFiles()), settings()))
                .extracting(Finding::what)
                .anySatisfy(what -> assertThat(what).startsWith("calico-node writes 10-calico.conflist again"));
    }

    private static AttachmentContext attachment(String result) {
        CniResult parsed = CniResult.parse(CniJson.lenientObject(result), SpecVersion.latest());
        return new AttachmentContext("eth0", NETNS, Optional.of(parsed));
    }
}
