// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static dev.meshcni.ambient.host.PlayedHost.BOTH;
import static dev.meshcni.ambient.host.PlayedHost.ip;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.ambient.AmbientPod;
import dev.meshcni.ambient.ProbeExemptions;
import dev.meshcni.testkit.NeedsRoot;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A base CNI gives an address to the next pod while the last one is still being deleted. */
@NeedsRoot("makes network namespaces")
class AddressReuseTest {
    @ParameterizedTest
    @CsvSource({
        "nft, '10.0.0.5'", "nft, 'fd00::5'", "nft, '10.0.0.5 fd00::5'",
        "legacy, '10.0.0.5'", "legacy, 'fd00::5'", "legacy, '10.0.0.5 fd00::5'"
    })
    void theNewPodKeepsItsExemptionInAnyOrder(String way, String addresses) {
        List<InetAddress> shared =
                Stream.of(addresses.split(" ")).map(PlayedHost::ip).toList();
        AmbientPod old = pod("old", shared);
        AmbientPod fresh = pod("new", shared);
        try (PlayedHost host = new PlayedHost()) {
            HostProbes set = host.probes(way, BOTH);
            set.restore(Map.of(ip("10.0.0.99"), "bystander"));
            for (List<Integer> order : orders(List.of(0, 1, 2, 3, 4))) {
                ProbeExemptions probes = new ProbeExemptions(set);
                probes.exempt(pod("bystander", List.of(ip("10.0.0.99"))));
                probes.exempt(old);
                for (int step : order) {
                    switch (step) {
                        case 0 -> probes.exempt(fresh);
                        // Its end is heard of twice: by DEL, and from the API server.
                        case 1, 2 -> probes.end(old);
                        case 3 -> probes.sweep();
                        default ->
                            host.shell(
                                    way.equals("nft")
                                            ? "nft flush set ip istio-host-probes pods"
                                            : "ipset flush istio-inpod-probes-v4");
                    }
                }
                probes.sweep();

                assertThat(probes.isExempt(fresh)).as(order.toString()).isTrue();
                assertThat(shared)
                        .allSatisfy(address -> assertThat(set.owner(address)).contains("new"));
                probes.end(fresh);
                assertThat(set.entries()).as(order.toString()).isEqualTo(Map.of(ip("10.0.0.99"), "bystander"));
            }
        }
    }

    private static <T> List<List<T>> orders(List<T> things) {
        if (things.isEmpty()) {
            return List.of(List.of());
        }
        List<List<T>> orders = new ArrayList<>();
        for (T first : things) {
            List<T> others = new ArrayList<>(things);
            others.remove(first);
            orders(others)
                    .forEach(rest -> orders.add(
                            Stream.concat(Stream.of(first), rest.stream()).toList()));
        }
        return orders;
    }

    private static AmbientPod pod(String uid, List<InetAddress> addresses) {
        return new AmbientPod(uid, "shop", "pod-" + uid, "default", Map.of(), addresses);
    }
}
