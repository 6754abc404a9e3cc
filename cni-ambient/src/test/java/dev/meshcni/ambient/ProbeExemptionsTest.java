// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProbeExemptionsTest {
    private final MemoryProbeSet set = new MemoryProbeSet(true);
    private final ProbeExemptions probes = new ProbeExemptions(set);

    @Test
    void aPodsAddressesAreItsOwn() throws UnknownHostException {
        probes.exempt(pod("a", "10.0.0.1", "fd00::1"));

        assertThat(set.entries()).isEqualTo(Map.of(address("10.0.0.1"), "a", address("fd00::1"), "a"));
        probes.end(pod("a", "10.0.0.1", "fd00::1"));
        assertThat(set.entries()).isEmpty();
    }

    @Test
    void aFamilyWithoutASetIsLeftOut() throws UnknownHostException {
        MemoryProbeSet four = new MemoryProbeSet(false);
        ProbeExemptions only = new ProbeExemptions(four);
        AmbientPod pod = pod("a", "10.0.0.1", "fd00::1");

        only.exempt(pod);

        assertThat(four.entries()).isEqualTo(Map.of(address("10.0.0.1"), "a"));
        assertThat(only.isExempt(pod)).isTrue();
        only.end(pod);
        assertThat(four.entries()).isEmpty();
    }

    /** The new pod comes, the old one is looked at again and goes, in each order that there is. */
    @Test
    void anAddressThatIsUsedAgainIsTheNewPodsInAnyOrder() throws UnknownHostException {
        AmbientPod old = pod("old", "10.0.0.1");
        AmbientPod fresh = pod("new", "10.0.0.1");
        List<Runnable> steps = List.of(
                () -> probes.exempt(fresh),
                () -> probes.end(old),
                () -> probes.sweep(),
                () -> reconsider(old),
                () -> reconsider(fresh));
        for (List<Runnable> order : orders(steps)) {
            probes.exempt(old);

            order.forEach(Runnable::run);

            assertThat(probes.isExempt(fresh)).isTrue();
            assertThat(set.entries()).isEqualTo(Map.of(address("10.0.0.1"), "new"));
            probes.end(fresh);
            probes.end(old);
            assertThat(set.entries()).isEmpty();
        }
    }

    @Test
    void whenTheNewPodGoesFirstTheOldOneHasItsAddressAgain() throws UnknownHostException {
        AmbientPod old = pod("old", "10.0.0.1");
        AmbientPod fresh = pod("new", "10.0.0.1");
        probes.exempt(old);
        probes.exempt(fresh);

        probes.end(fresh);

        assertThat(set.entries()).isEqualTo(Map.of(address("10.0.0.1"), "old"));
    }

    @Test
    void anEntryOfAnEarlierAgentIsTakenOutWithItsPodAndNoOther() throws UnknownHostException {
        set.put(address("10.0.0.1"), "a");
        set.put(address("10.0.0.2"), "b");

        assertThat(probes.isClaimedBy(pod("a", "10.0.0.1"))).isTrue();
        probes.end(pod("a", "10.0.0.1", "10.0.0.2"));

        assertThat(set.entries()).isEqualTo(Map.of(address("10.0.0.2"), "b"));
    }

    @Test
    void anEntryOfAPodThatNobodyKnowsGivesWay() throws UnknownHostException {
        set.put(address("10.0.0.1"), "unknown");

        probes.exempt(pod("a", "10.0.0.1"));

        assertThat(set.entries()).isEqualTo(Map.of(address("10.0.0.1"), "a"));
    }

    @Test
    void addressesThatAPodHasNoLongerAreGivenUp() throws UnknownHostException {
        probes.exempt(pod("a", "10.0.0.1"));

        assertThat(probes.isExempt(pod("a", "10.0.0.2"))).isFalse();
        probes.exempt(pod("a", "10.0.0.2"));

        assertThat(set.entries()).isEqualTo(Map.of(address("10.0.0.2"), "a"));
    }

    @Test
    void aSweepRestoresAFlushedSetAndTakesOutWhatNobodyClaims() throws UnknownHostException {
        probes.exempt(pod("a", "10.0.0.1"));
        set.flush();
        set.put(address("10.0.0.9"), "unknown");

        probes.sweep();

        assertThat(set.entries()).isEqualTo(Map.of(address("10.0.0.1"), "a"));
    }

    /** As a round does: what is not as it should be is done again. */
    private void reconsider(AmbientPod pod) {
        if (!probes.isExempt(pod) && probes.hasClaims(pod)) {
            probes.exempt(pod);
        }
    }

    private static <T> List<List<T>> orders(List<T> things) {
        if (things.isEmpty()) {
            return List.of(List.of());
        }
        List<List<T>> orders = new ArrayList<>();
        for (int i = 0; i < things.size(); i++) {
            List<T> others = new ArrayList<>(things);
            T first = others.remove(i);
            for (List<T> rest : orders(others)) {
                List<T> order = new ArrayList<>(List.of(first));
                order.addAll(rest);
                orders.add(order);
            }
        }
        return orders;
    }

    private static AmbientPod pod(String uid, String... addresses) throws UnknownHostException {
        List<InetAddress> parsed = new ArrayList<>();
        for (String address : addresses) {
            parsed.add(address(address));
        }
        return new AmbientPod(uid, "shop", "pod-" + uid, "default", Map.of(), parsed);
    }

    private static InetAddress address(String literal) throws UnknownHostException {
        return InetAddress.getByName(literal);
    }
}
