// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** As {@link FrontDoorTest}, through the plugin's real process and the real agent. */
@NeedsRoot("makes network namespaces")
class FrontDoorProcessTest {
    private static final int CALLS = 3_000;

    @Test
    void thePluginsProcessGivesOneWellFormedAnswerToAnyCall() {
        Machine.needs("ip", "nsenter", "iptables", "ip6tables", "nft");
        Dist.needed();
        long seed = new Random().nextLong();
        try (PodNetns world = PodNetns.create();
                Netns node = Netns.create("node");
                Agent agent = Agent.start(node, "--pod-wait-seconds", "0")) {
            agent.know(PodManifest.injected("shop", "injected", "u1"));
            agent.know(PodManifest.plain("shop", "plain", "u2"));
            Map<String, String> before = NetworkState.of(node);
            CallMutator mutator = new CallMutator(seed);
            for (int i = 0; i < CALLS; i++) {
                String pod = List.of("injected", "plain").get(i % 2);
                PluginCall call =
                        mutator.spoil(PluginCall.of(mutator.command(), world.pod(), "shop", pod, agent.pluginConf()));
                try {
                    PluginProcess.check(call, PluginProcess.run(call, node));
                } catch (AssertionError e) {
                    throw new AssertionError("seed " + seed + ", call " + i + ": " + call, e);
                }
            }
            assertThat(NetworkState.of(node)).isEqualTo(before);
        }
    }
}
