// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.InterceptionMode;
import dev.meshcni.redirect.RedirectParameters;
import dev.meshcni.redirect.RedirectParametersBuilder;
import dev.meshcni.redirect.RuleCompiler;
import dev.meshcni.rules.IpFamily;
import java.util.EnumSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MermaidRendererTest {
    @Test
    void chainsAreBoxesAndRulesAreArrows() {
        String chart = render(RedirectParameters.builder());

        assertThat(chart)
                .startsWith("flowchart LR\n")
                .contains("ipv4_nat_OUTPUT([\"OUTPUT\"])\n")
                .contains("ipv4_nat_OUTPUT -->|\"1: everything\"| ipv4_nat_ISTIO_OUTPUT\n")
                .contains(
                        "ipv4_nat_ISTIO_REDIRECT -->|\"1: tcp\"| ipv4_nat_ISTIO_REDIRECT_1(\"redirect to port 15001\")\n");
    }

    @Test
    void everySubgraphIsClosed() {
        String chart = render(RedirectParameters.builder().mode(InterceptionMode.TPROXY));

        assertThat(chart.lines()
                        .filter(line -> line.strip().startsWith("subgraph"))
                        .count())
                .isEqualTo(
                        chart.lines().filter(line -> line.strip().equals("end")).count())
                .isEqualTo(3);
    }

    @Test
    void aThousandExcludedPortsShareOneArrow() {
        String chart = render(RedirectParameters.builder()
                .excludedOutboundPorts(IntStream.range(1000, 2000).boxed().toList()));

        assertThat(chart)
                .contains("1: tcp, to port 1000<br/>2: udp, to port 1000")
                .contains("<br/>and 1997 more\"|");
        assertThat(chart)
                .hasLineCount(
                        render(RedirectParameters.builder()).lines().toList().size());
    }

    private static String render(RedirectParametersBuilder parameters) {
        return MermaidRenderer.render(RuleCompiler.compile(parameters.build(), EnumSet.of(IpFamily.IPV4)));
    }
}
