// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniException;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.CniResult;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.exec.AttachmentParameters;
import dev.meshcni.core.PluginErrorCode;
import dev.meshcni.testkit.NeedsRoot;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Our plugin behind real reference plugins, called as a runtime calls a chain, with the real agent. */
@NeedsRoot("makes network namespaces")
class ChainTest {
    private static final String ANYWHERE = "10.1.2.3";
    private static final int HOST_PORT = 18080;

    private ChainNode node;

    @BeforeEach
    void start() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables");
        Machine.needsPlugins("ptp", "bridge", "portmap", "firewall", "host-local");
        Dist.needed();
        node = ChainNode.start();
        node.agent().know(PodManifest.injected("shop", "cart-0", "uid-cart-0"));
    }

    @AfterEach
    void stop() {
        if (node != null) {
            node.close();
        }
    }

    @Test
    void behindPtpAPodIsRedirectedAndDeletedWithoutATrace() {
        NetworkConfigList list = NetworkConfigList.parse(BaseChain.ptp(node.ipamDirectory(), entry("ptp")));
        AttachmentParameters eth0 = node.attachment("eth0");
        Map<String, String> podBefore = NetworkState.of(node.pod());
        String nodeRulesBefore = ruleLines(node.node());

        CniResult result = node.chain().add(list, eth0);

        node.listen();
        assertThat(node.fromPod(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))).isEqualTo("proxy:15001");
        assertThat(node.fromPod(Probe.tcp(ANYWHERE, 443).as(Owner.PROXY))).isEqualTo("node:443");
        assertThat(node.fromNode(Probe.tcp(address(result), 8080))).isEqualTo("proxy:15006");
        node.chain().check(list, eth0, result);
        node.pod().run("iptables", "-t", "nat", "-D", "ISTIO_OUTPUT", "1");
        assertThatThrownBy(() -> node.chain().check(list, eth0, result))
                .isInstanceOfSatisfying(
                        CniException.class, error -> assertThat(error.details()).contains("ISTIO_OUTPUT"))
                .hasMessageContaining("plugin istio-cni failed (CHECK)");

        node.chain().del(list, eth0, Optional.of(result));
        node.chain().del(list, eth0, Optional.empty());

        assertThat(NetworkState.of(node.pod())).isEqualTo(podBefore);
        assertThat(ruleLines(node.node())).isEqualTo(nodeRulesBefore);
        assertThat(node.node().links()).containsExactly("lo");
        assertThat(node.addressesInUse()).isEmpty();
    }

    @Test
    void behindBridgePortmapAndFirewallAPodIsRedirectedAlsoAtItsHostPort() {
        NetworkConfigList list = bridge();
        JsonNode mappings = CniJson.lenientObject("""
                        {"mappings": [{"hostPort": %d, "containerPort": 8080, "protocol": "tcp"}]}
                        """.formatted(HOST_PORT)).path("mappings");
        AttachmentParameters eth0 = node.attachment("eth0");
        AttachmentParameters mapped = eth0.withCapabilityArgs(Map.of("portMappings", mappings));
        Map<String, String> podBefore = NetworkState.of(node.pod());

        CniResult result = node.chain().add(list, mapped);

        node.listen();
        assertThat(node.fromPod(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))).isEqualTo("proxy:15001");
        assertThat(node.fromPod(Probe.tcp(ANYWHERE, 443).as(Owner.PROXY))).isEqualTo("node:443");
        assertThat(node.fromNode(Probe.tcp(address(result), 8080))).isEqualTo("proxy:15006");
        assertThat(node.fromNode(Probe.tcp(gateway(result), HOST_PORT))).isEqualTo("proxy:15006");
        // portmap 1.1.1 misses its own rules of mapped ports in CHECK; without mappings it looks for none.
        node.chain().check(list, eth0, result);

        node.chain().del(list, mapped, Optional.of(result));
        node.chain().del(list, mapped, Optional.empty());

        assertThat(NetworkState.of(node.pod())).isEqualTo(podBefore);
        // The bridge and the empty chains of portmap and firewall are the node's and stay.
        assertThat(node.node().links()).containsExactlyInAnyOrder("lo", "it-br0");
        assertThat(ruleLines(node.node())).doesNotContain(address(result), "--dport " + HOST_PORT);
        assertThat(node.addressesInUse()).isEmpty();
    }

    @Test
    void aloneAsMultusCallsItThePluginTakesThePodsNetworkAsItIs() {
        NetworkConfigList base = NetworkConfigList.parse(BaseChain.ptp(node.ipamDirectory()));
        CniResult network = node.chain().add(base, node.attachment("eth0"));
        Map<String, String> podBefore = NetworkState.of(node.pod());
        NetworkConfigList ours = node.installStandalone();
        assertThat(ours.plugins().getFirst().json().path("chain_adapter").asText())
                .isEqualTo("multus");
        AttachmentParameters net1 = node.attachment("net1");

        CniResult result = node.chain().add(ours, net1);

        node.listen();
        assertThat(node.fromPod(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))).isEqualTo("proxy:15001");
        assertThat(node.fromPod(Probe.tcp(ANYWHERE, 443).as(Owner.PROXY))).isEqualTo("node:443");
        assertThat(node.fromNode(Probe.tcp(address(network), 8080))).isEqualTo("proxy:15006");
        assertThat(result).isEqualTo(CniResult.EMPTY);
        assertThat(node.pod().links()).containsExactlyInAnyOrder("lo", "eth0");

        node.chain().del(ours, net1, Optional.empty());

        assertThat(NetworkState.of(node.pod())).isEqualTo(podBefore);
        node.chain().del(base, node.attachment("eth0"), Optional.of(network));
        node.uninstallStandalone();
        assertThat(node.standaloneDirectory()).isEmptyDirectory();
        assertThat(node.pluginDirectory().resolve("istio-cni")).doesNotExist();
    }

    @Test
    void behindCalicosResultAPodIsRedirectedAndTheResultIsPassedOn() {
        wireAsCalicoDoes();
        ObjectNode prevResult = calicoResult("192.168.52.131/32", "169.254.1.1");

        Command.Result added = node.call("ADD", entry("calico"), prevResult);

        assertThat(added.succeeded()).as(added.out()).isTrue();
        assertThat(CniJson.lenientObject(added.out()).path("interfaces")).isEqualTo(prevResult.path("interfaces"));
        assertThat(CniJson.lenientObject(added.out()).path("ips")).isEqualTo(prevResult.path("ips"));
        node.listen();
        assertThat(node.fromPod(Probe.tcp(ANYWHERE, 443).as(Owner.APPLICATION))).isEqualTo("proxy:15001");
        assertThat(node.fromPod(Probe.tcp(ANYWHERE, 443).as(Owner.PROXY))).isEqualTo("node:443");
        assertThat(node.fromNode(Probe.tcp("192.168.52.131", 8080))).isEqualTo("proxy:15006");
        assertThat(node.call("DEL", entry("calico"), prevResult).succeeded()).isTrue();
        assertThat(ruleLines(node.pod())).doesNotContain("ISTIO");
    }

    @Test
    void whatCalicoDoesNotPromiseIsAnErrorOfItsOwnAndChangesNothing() {
        wireAsCalicoDoes();
        ObjectNode withoutAddress = calicoResult("192.168.52.131/32", "169.254.1.1");
        withoutAddress.remove("ips");

        for (Map.Entry<ObjectNode, String> wrong : List.of(
                Map.entry(withoutAddress, "address"),
                Map.entry(calicoResult("192.168.52.131/26", "169.254.1.1"), "192.168.52.131/26"),
                Map.entry(calicoResult("192.168.52.131/32", "192.168.52.129"), "192.168.52.129"))) {
            Command.Result refused = node.call("ADD", entry("calico"), wrong.getKey());

            assertThat(refused.succeeded()).isFalse();
            JsonNode error = CniJson.lenientObject(refused.out());
            assertThat(error.path("code").asInt()).isEqualTo(PluginErrorCode.INVALID_PREV_RESULT);
            assertThat(error.path("msg").asText()).contains(wrong.getValue());
            assertThat(error.path("details").asText()).contains("calico");
        }
        assertThat(ruleLines(node.pod())).doesNotContain("ISTIO");
    }

    /** The network that Calico makes: a host address, and a gateway that exists nowhere but answers. */
    private void wireAsCalicoDoes() {
        node.pod()
                .ip("link add eth0 type veth peer name cali82111e10a96 netns "
                        + node.node().name());
        node.node()
                .ip(
                        "link set cali82111e10a96 up",
                        "address add 169.254.1.1/32 dev cali82111e10a96",
                        "route add 192.168.52.131/32 dev cali82111e10a96");
        node.pod()
                .ip(
                        "address add 192.168.52.131/32 dev eth0",
                        "link set eth0 up",
                        "route add 169.254.1.1 dev eth0 scope link",
                        "route add default via 169.254.1.1 dev eth0");
    }

    /** Our plugin's entry with the chain adapter that checks for it. */
    private String entry(String adapter) {
        return CniJson.lenientObject(node.agent().pluginConf())
                .put("chain_adapter", adapter)
                .toString();
    }

    private NetworkConfigList bridge() {
        return NetworkConfigList.parse("""
                {"cniVersion": "1.0.0", "name": "it", "plugins": [
                 {"type": "bridge", "bridge": "it-br0", "isGateway": true, "ipMasq": true, "ipam": {
                  "type": "host-local", "dataDir": "%s",
                  "ranges": [[{"subnet": "10.82.0.0/24"}], [{"subnet": "fd00:10:82::/64"}]],
                  "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}},
                 {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}},
                 {"type": "firewall", "backend": "iptables"},
                 %s]}
                """.formatted(node.ipamDirectory(), entry("generic")));
    }

    /** A result as older versions of Calico give it: one interface, by its name on the host. */
    private static ObjectNode calicoResult(String address, String gateway) {
        return CniJson.lenientObject("""
                {"cniVersion": "0.3.1", "interfaces": [{"name": "cali82111e10a96"}],
                 "ips": [{"version": "4", "address": "%s", "gateway": "%s"}], "dns": {}}
                """.formatted(address, gateway));
    }

    private static String address(CniResult result) {
        return result.ips().getFirst().address().address().getHostAddress();
    }

    private static String gateway(CniResult result) {
        return result.ips().getFirst().gateway().orElseThrow().getHostAddress();
    }

    private static String ruleLines(Netns netns) {
        return netns.run("iptables-save") + netns.run("ip6tables-save");
    }
}
