// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.meshcni.redirect.AmbientMetadata;
import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.Pod;
import dev.meshcni.rules.IpFamily;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** CHECK of the plugin (CNI specification 1.1, section 2). */
class CheckVerbTest extends VerbFixture {
    @Test
    void checkSucceedsAfterAdd() {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");

        assertThat(handle("CHECK").reply()).satisfies(reply -> {
            assertThat(reply.exitCode()).isZero();
            assertThat(reply.stdout()).isEmpty();
        });
    }

    @Test
    void checkNamesEachDifference() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));

        JsonNode error = error(handle("CHECK"));

        assertThat(error.path("code").asInt()).isEqualTo(102);
        assertThat(error.path("details").asText()).isEqualTo("missing in ipv4 nat OUTPUT: -A OUTPUT -j ISTIO_OUTPUT");
    }

    /** Istio's node agent writes rules for IPv6 as well into a pod that has IPv4 only. */
    @Test
    void checkOfAnAmbientPodAcceptsTheRulesOfIstioAndNamesEachDifference() throws JsonProcessingException {
        Pod pod = ambient(Map.of(AmbientMetadata.REDIRECTION, "enabled", AmbientOptions.DNS_CAPTURE, "false"));
        pods.pods.add(pod);
        AmbientOptions options = AmbientOptions.of(pod, AmbientOptions.Node.STANDARD);

        for (Set<IpFamily> families : List.of(EnumSet.of(IpFamily.IPV4), EnumSet.allOf(IpFamily.class))) {
            backend.applied.put(backend.renew(NETNS), AmbientRules.compile(options, families));
            assertThat(handle("CHECK").reply().exitCode()).isZero();
        }
        backend.renew(NETNS);
        JsonNode error = error(handle("CHECK"));

        assertThat(error.path("code").asInt()).isEqualTo(102);
        assertThat(error.path("msg").asText()).contains("differs from what an ambient pod needs: 1 difference");
    }

    /** Nothing enrols such a pod yet, so it has no rules that could differ. */
    @Test
    void checkOfAPodThatNobodyHasEnrolledFindsNothing() {
        pods.pods.add(ambient(Map.of()));

        assertThat(handle("CHECK").reply().exitCode()).isZero();
    }

    @Test
    void checkOfAnotherNamespaceThanThatOfAddIsAnError() throws JsonProcessingException {
        pods.pods.add(ListedPods.injected("shop", "web", Map.of()));
        handle("ADD");
        backend.renew(NETNS);

        JsonNode error = error(handle("CHECK"));

        assertThat(error.path("code").asInt()).isEqualTo(102);
        assertThat(error.path("msg").asText()).contains("ADD redirected net:[");
    }

    private static Pod ambient(Map<String, String> annotations) {
        Map<String, String> labels = Map.of(AmbientMetadata.MODE, "ambient");
        return new Pod("shop", "web", "", labels, annotations, false, List.of(), List.of());
    }
}
