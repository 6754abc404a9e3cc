// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MirrorPodTest {
    private static final String UID = "0123456789abcdef0123456789abcdef";

    @Test
    void aMirrorHasTheUidOfItsStaticPod() {
        assertThat(MirrorPod.staticUid(annotations(UID, UID), true)).isEqualTo(UID);
    }

    @Test
    void aPodThatNoNodeOwnsIsNoMirror() {
        assertThat(MirrorPod.staticUid(annotations(UID, UID), false)).isEmpty();
    }

    @Test
    void bothAnnotationsHaveToSayTheSame() {
        assertThat(MirrorPod.staticUid(Map.of(MirrorPod.CONFIG_HASH, UID), true))
                .isEmpty();
        assertThat(MirrorPod.staticUid(Map.of(MirrorPod.CONFIG_MIRROR, UID), true))
                .isEmpty();
        assertThat(MirrorPod.staticUid(annotations(UID, UID.replace('0', 'f')), true))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "3f0cd94d-3c5b-4c9a-a1f1-0b6f7f7f0d11",
                "0123456789abcdef0123456789abcde",
                "0123456789abcdef0123456789abcdef0",
                "0123456789ABCDEF0123456789ABCDEF",
                "0123456789abcdef0123456789abcdef\n"
            })
    void onlyWhatTheKubeletMakesIsAStaticUid(String hash) {
        assertThat(MirrorPod.staticUid(annotations(hash, hash), true)).isEmpty();
    }

    private static Map<String, String> annotations(String hash, String mirror) {
        return Map.of(MirrorPod.CONFIG_HASH, hash, MirrorPod.CONFIG_MIRROR, mirror);
    }
}
