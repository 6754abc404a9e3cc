// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.AnnotationParser;
import dev.meshcni.testkit.Slow;
import dev.meshcni.testkit.TestPods;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** What is kept of pods has a bound for the node, and whoever has most of it gives way. */
@Slow
class PodStoreTest {
    private static final NodePodReader READER = new NodePodReader(_ -> true, "");
    private static final int LARGEST = 60_000;

    private final PodStore store = new PodStore();
    private final List<NodePod> heard = new ArrayList<>();

    @Example
    void aTenantWithManyLargePodsTakesNoRoomFromAnotherOne() {
        NodePod early = put(pod("shop", "early", LARGEST));
        for (int i = 0; i < 600; i++) {
            put(pod("greedy", "pod-" + i, LARGEST));
        }
        NodePod late = put(pod("shop", "late", LARGEST));

        assertThat(store.pod(early.key())).contains(early);
        assertThat(store.pod(late.key())).contains(late);
        assertThat(store.keptChars()).isLessThanOrEqualTo(PodStore.MAX_KEPT);
        assertThat(store.pods())
                .filteredOn(NodePod::bare)
                .hasSizeGreaterThan(300)
                .allSatisfy(pod -> {
                    assertThat(pod.pod().namespace()).isEqualTo("greedy");
                    assertThat(pod.pod().cut()).isNotEmpty();
                });
    }

    @Example
    void aPodThatIsKeptDoesNotGiveWayToItsOwnNamespace() {
        for (int i = 0; i < 300; i++) {
            put(pod("greedy", "pod-" + i, LARGEST));
        }
        List<NodePod> whole = store.pods().stream().filter(pod -> !pod.bare()).toList();

        put(pod("greedy", "later", LARGEST));
        put(pod("greedy", "pod-299", LARGEST));

        assertThat(store.pods().stream().filter(pod -> !pod.bare()).toList())
                .containsExactlyInAnyOrderElementsOf(whole);
    }

    @Example
    void podsThatHaveFinishedGiveWayFirst() {
        for (int i = 0; i < 10_000; i++) {
            put(finished(pod("greedy", "job-" + i, 1800)));
        }
        NodePod live = put(pod("greedy", "live", LARGEST));

        assertThat(store.pod(live.key())).contains(live);
        assertThat(store.keptChars()).isLessThanOrEqualTo(PodStore.MAX_KEPT);
    }

    @Example
    void whatListenersHaveHeardIsWhatIsKept() {
        store.listen(new PodStore.Listener() {
            @Override
            public void shown(NodePod pod) {
                gone(pod);
                heard.add(pod);
            }

            @Override
            public void gone(NodePod pod) {
                heard.removeIf(known -> known.key().equals(pod.key()));
            }
        });
        for (int i = 0; i < 200; i++) {
            put(pod("greedy", "pod-" + i, LARGEST));
            put(pod("eager", "pod-" + i, LARGEST));
        }

        assertThat(heard).containsExactlyInAnyOrderElementsOf(store.pods());
    }

    @Property(tries = 200)
    void itNeverKeepsMoreThanItMayAndCountsWhatItKeeps(
            @ForAll @Size(max = 60) List<@IntRange(max = 2999) Integer> moves) {
        PodStore small = new PodStore(5000);
        for (int move : moves) {
            String namespace = "ns-" + move % 3;
            String name = "pod-" + move % 7;
            if (move % 5 == 0) {
                small.retain(Set.of(namespace + "/" + name));
            } else {
                small.put(READER.read(pod(namespace, name, move)));
            }

            assertThat(small.keptChars())
                    .isEqualTo(
                            small.pods().stream().mapToLong(NodePod::keptChars).sum());
            assertThat(small.keptChars() <= 5000 || small.pods().stream().allMatch(NodePod::bare))
                    .isTrue();
        }
    }

    private NodePod put(Pod pod) {
        NodePod read = READER.read(pod);
        store.put(read);
        return read;
    }

    private static Pod pod(String namespace, String name, int length) {
        return TestPods.injected(name)
                .edit()
                .editMetadata()
                .withNamespace(namespace)
                .withUid("uid-" + namespace + "-" + name)
                .addToAnnotations(Map.of(AnnotationParser.EXCLUDE_INBOUND_PORTS, "7".repeat(length)))
                .endMetadata()
                .build();
    }

    private static Pod finished(Pod pod) {
        return pod.edit().editOrNewStatus().withPhase("Succeeded").endStatus().build();
    }
}
