// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.meshcni.redirect.DnsCapture;
import dev.meshcni.redirect.InterceptionMode;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectParametersBuilder;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.IpFamily;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class JsonRendererTest {
    @Test
    void thePlanHasAVersionAndEverythingThatTheNamespaceGets() {
        JsonNode plan = render(RedirectParameters.builder().mode(InterceptionMode.TPROXY));

        assertThat(plan.path("version").asInt()).isEqualTo(1);
        assertThat(plan.at("/localAddresses/0").asText()).isEqualTo("::6/128");
        assertThat(plan.at("/tproxyRouting/mark").asInt()).isEqualTo(1337);
        assertThat(plan.at("/tproxyRouting/table").asInt()).isEqualTo(133);
        assertThat(plan.at("/ruleSets").findValuesAsText("family")).containsExactly("ipv4", "ipv6");
    }

    @Test
    void aRuleHasMatchesTargetAndOrigin() throws Exception {
        JsonNode plan = render(RedirectParameters.builder());

        assertThat(plan.has("tproxyRouting")).isFalse();
        assertThat(plan.at("/ruleSets/0/tables/0/chains/0")).isEqualTo(new ObjectMapper().readTree("""
            {"name": "PREROUTING", "builtIn": true, "leading": 0, "rules": [
              {"matches": [{"type": "protocol", "value": "tcp"}],
               "target": {"type": "jump", "chain": "ISTIO_INBOUND"},
               "origin": "inbound connections are checked (default)"}]}
            """));
    }

    @Test
    void onlyNegatedMatchesSayThatTheyAre() {
        JsonNode plan = render(RedirectParameters.builder());

        assertThat(plan.findParents("negated"))
                .isNotEmpty()
                .allMatch(match -> match.path("negated").asBoolean());
    }

    /** The types that docs/rules-json.md lists. */
    @Test
    void onlyDocumentedTypesAppear() {
        JsonNode plan = render(RedirectParameters.builder()
                .mode(InterceptionMode.TPROXY)
                .dns(new DnsCapture.AllResolvers())
                .dropInvalid(true)
                .excludedInterfaces(List.of(new InterfaceName("net1"))));
        Set<String> types = new HashSet<>(plan.findValuesAsText("type"));

        assertThat(types)
                .containsExactlyInAnyOrder(
                        "source",
                        "destination",
                        "inInterface",
                        "outInterface",
                        "protocol",
                        "sourcePort",
                        "destinationPort",
                        "destinationPorts",
                        "uidOwner",
                        "gidOwner",
                        "connectionState",
                        "packetMark",
                        "connectionMark",
                        "jump",
                        "return",
                        "accept",
                        "drop",
                        "redirect",
                        "tproxy",
                        "setMark",
                        "saveMark",
                        "restoreMark",
                        "ctZone");
    }

    private static JsonNode render(RedirectParametersBuilder parameters) {
        try {
            return new ObjectMapper()
                    .readTree(JsonRenderer.render(
                            RuleCompiler.compile(parameters.build(), EnumSet.allOf(IpFamily.class))));
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
