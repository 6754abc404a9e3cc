// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient.host;

import static dev.meshcni.ambient.host.PlayedHost.BOTH;
import static dev.meshcni.ambient.host.PlayedHost.ip;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.testkit.NeedsRoot;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

/** Whatever is put, removed and restored in whatever order, the kernel has what a map has. */
@NeedsRoot("makes network namespaces")
class HostProbesModelTest {
    /** One call, on the set or on the map. */
    sealed interface Call {
        record Put(InetAddress address, String uid) implements Call {}

        record Remove(InetAddress address, String uid) implements Call {}

        record Restore(Map<InetAddress, String> entries) implements Call {}

        record RemoveAll() implements Call {}
    }

    @Property(tries = 60)
    void theKernelHasWhatAMapHas(@ForAll("ways") String way, @ForAll("calls") List<Call> calls) {
        try (PlayedHost host = new PlayedHost()) {
            HostProbes probes = host.probes(way, BOTH);
            Map<InetAddress, String> model = new HashMap<>();
            for (Call call : calls) {
                switch (call) {
                    case Call.Put(InetAddress address, String uid) -> {
                        probes.put(address, uid);
                        model.put(address, uid);
                    }
                    case Call.Remove(InetAddress address, String uid) -> {
                        probes.remove(address, uid);
                        model.remove(address, uid);
                    }
                    case Call.Restore(Map<InetAddress, String> entries) -> {
                        probes.restore(entries);
                        model.clear();
                        model.putAll(entries);
                        assertThat(probes.differences(entries)).isEmpty();
                    }
                    case Call.RemoveAll() -> {
                        probes.remove();
                        model.clear();
                    }
                }
                assertThat(probes.entries()).isEqualTo(model);
            }
            model.forEach((address, uid) -> assertThat(probes.owner(address)).contains(uid));
        }
    }

    @Provide
    static Arbitrary<String> ways() {
        return Arbitraries.of("nft", "legacy");
    }

    @Provide
    static Arbitrary<List<Call>> calls() {
        Arbitrary<Map<InetAddress, String>> entries =
                Arbitraries.maps(addresses(), uids()).ofMaxSize(8);
        Arbitrary<Call> puts = Combinators.combine(addresses(), uids()).as(Call.Put::new);
        Arbitrary<Call> removals = Combinators.combine(addresses(), uids()).as(Call.Remove::new);
        Arbitrary<Call> restorations = entries.map(Call.Restore::new);
        Arbitrary<Call> end = Arbitraries.just(new Call.RemoveAll());
        return Arbitraries.frequencyOf(
                        Tuple.of(6, puts), Tuple.of(4, removals), Tuple.of(2, restorations), Tuple.of(1, end))
                .list()
                .ofMaxSize(15);
    }

    private static Arbitrary<InetAddress> addresses() {
        return Arbitraries.of("10.0.0.1", "10.0.0.2", "255.255.255.255", "fd00::1", "fd00::2", "::ffff:10.0.0.1", "::1")
                .map(text -> ip(text));
    }

    private static Arbitrary<String> uids() {
        return Arbitraries.oneOf(
                Arbitraries.of("a", "b", "0d0ce5f1-6a3f-4c59-9a5e-000000000001"),
                Arbitraries.strings().withCharRange('!', '~').ofMinLength(1).ofMaxLength(127));
    }
}
