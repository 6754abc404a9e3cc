// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.chain.ptp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.Detection;
import dev.meshcni.api.contract.ChainAdapterContract;
import dev.meshcni.api.spi.AttachmentContext;
import dev.meshcni.api.spi.ChainAdapter;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PtpChainAdapterTest extends ChainAdapterContract {
    private static final String NETNS = "/var/run/netns/cni-1";

    /** What ptp 1.1.1 printed for a pod. */
    private static final String RESULT = """
        {"cniVersion":"1.0.0",
         "interfaces":[{"name":"veth5b0e5a3b","mac":"8e:5a:71:ee:1b:1f"},
           {"name":"eth0","mac":"26:07:ac:3c:5c:27","sandbox":"/var/run/netns/cni-1"}],
         "ips":[{"interface":1,"address":"10.231.1.2/24","gateway":"10.231.1.1"}],
         "routes":[{"dst":"0.0.0.0/0"}],"dns":{}}
        """;

    @Override
    protected ChainAdapter adapter() {
        return new PtpChainAdapter();
    }

    @Override
    protected Map<String, String> baseFiles() {
        return Map.of("10-kindnet.conflist", """

            {
            	"cniVersion": "0.3.1",
            	"name": "kindnet",
            	"plugins": [
            	{
            		"type": "ptp",
            		"ipMasq": false,
            		"ipam": {
            			"type": "host-local",
            			"dataDir": "/run/cni-ipam-state",
            			"routes": [ { "dst": "0.0.0.0/0" } ],
            			"ranges": [ [ { "subnet": "10.244.0.0/24" } ] ]
            		},
            		"mtu": 1500
            	},
            	{
            		"type": "portmap",
            		"capabilities": { "portMappings": true }
            	}
            	]
            }
            """);
    }

    @Override
    protected AttachmentContext typicalAttachment() {
        return attachment("eth0", RESULT);
    }

    @Test
    void itIsRecognisedByItsFirstPlugin() {
        assertThat(adapter().detect(ConfDirSnapshot.of(DIR, baseFiles()), settings()))
                .isEqualTo(Detection.certain("10-kindnet.conflist", "its first plugin is ptp"));
    }

    @Test
    void anInterfaceOfAnotherNameIsAViolation() {
        assertThat(adapter().violations(attachment("net1", RESULT)))
                .containsExactly("ptp reported no interface net1 in " + NETNS);
    }

    @Test
    void anInterfaceInAnotherSandboxIsAViolation() {
        assertThat(adapter().violations(attachment("eth0", RESULT.replace(NETNS, NETNS + "2"))))
                .containsExactly(
                        "ptp reported no interface eth0 in " + NETNS,
                        "ptp reported the address 10.231.1.2/24 for an interface that is not in the pod");
    }

    @Test
    void aMissingVethOnTheHostIsAViolation() {
        assertThat(adapter().violations(attachment("eth0", """
            {"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"%s"}],
             "ips":[{"interface":0,"address":"10.231.1.2/24"}]}
            """.formatted(NETNS))))
                .containsExactly("ptp reported no veth on the host");
    }

    @Test
    void anAddressWithoutInterfaceIsAViolation() {
        assertThat(adapter().violations(attachment("eth0", RESULT.replace("\"interface\":1,", ""))))
                .containsExactly("ptp reported the address 10.231.1.2/24 for an interface that is not in the pod");
    }

    @Test
    void anOldResultHasAddressesOnly() {
        assertThat(adapter().violations(attachment("eth0", """
            {"cniVersion":"0.2.0","ip4":{"ip":"10.231.1.2/24","gateway":"10.231.1.1"}}
            """))).isEmpty();
    }

    private static AttachmentContext attachment(String ifName, String result) {
        CniResult parsed = CniResult.parse(CniJson.lenientObject(result), SpecVersion.latest());
        return new AttachmentContext(ifName, NETNS, Optional.of(parsed));
    }
}
