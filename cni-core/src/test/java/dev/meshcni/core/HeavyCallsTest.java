// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.api.CniException;
import dev.meshcni.api.ErrorCode;
import dev.meshcni.core.spi.Deadline;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.testkit.Pods;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HeavyCallsTest {
    private static final Pod LIGHT = Pods.injected(Map.of(), Map.of());
    private static final Pod LONG = Pods.injected(Map.of("traffic.sidecar.istio.io/note", "x".repeat(9000)), Map.of());
    private static final Pod LONG_VARIABLE = Pods.injected(Map.of(), Map.of("ISTIO_META", "x".repeat(9000)));

    private final HeavyCalls calls = new HeavyCalls();

    @Test
    void ofThePodsThatAskForMuchTwoHaveAPlace() {
        try (HeavyCalls.Place one = calls.begin(LONG, soon());
                HeavyCalls.Place two = calls.begin(LONG_VARIABLE, soon())) {
            assertThat(List.of(one, two)).doesNotContainNull();

            assertThatThrownBy(() -> calls.begin(LONG, soon()))
                    .isInstanceOfSatisfying(
                            CniException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TRY_AGAIN_LATER))
                    .hasMessageContaining("busy with other such pods");
        }
    }

    @Test
    void aPodThatAsksForLittleWaitsForNoPlace() {
        try (HeavyCalls.Place one = calls.begin(LONG, soon());
                HeavyCalls.Place two = calls.begin(LONG, soon());
                HeavyCalls.Place light = calls.begin(LIGHT, soon())) {
            assertThat(List.of(one, two)).doesNotContainNull();
            light.goOnWith(RedirectParameters.builder().build());
        }
    }

    @Test
    void aPodThatSaysMuchInFewWordsWaitsForAPlaceToo() {
        RedirectParameters many = RedirectParameters.builder()
                .excludedOutboundPorts(IntStream.range(1, 1000).boxed().toList())
                .build();
        try (HeavyCalls.Place one = calls.begin(LIGHT, soon());
                HeavyCalls.Place two = calls.begin(LIGHT, soon());
                HeavyCalls.Place three = calls.begin(LIGHT, soon())) {
            one.goOnWith(many);
            two.goOnWith(many);
            two.goOnWith(many);

            assertThatThrownBy(() -> three.goOnWith(many)).isInstanceOf(CniException.class);
        }
    }

    @Test
    void aPlaceThatIsLeftIsTakenByTheNext() throws Exception {
        HeavyCalls.Place one = calls.begin(LONG, soon());
        HeavyCalls.Place two = calls.begin(LONG, soon());
        CompletableFuture<Void> third = CompletableFuture.runAsync(
                () -> calls.begin(LONG, Deadline.after(Duration.ofSeconds(30))).close());
        assertThat(third).isNotDone();

        one.close();

        third.get(30, TimeUnit.SECONDS);
        two.close();
        calls.begin(LONG, soon()).close();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofMillis(50));
    }
}
