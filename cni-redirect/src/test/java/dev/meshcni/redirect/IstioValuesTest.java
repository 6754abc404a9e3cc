// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.redirect.testkit.Pods;
import dev.meshcni.rules.InvalidParameterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Malformed and unusual values: what Istio's plugin makes of them, by its sources of August 2026
 * ({@code cni/pkg/plugin/sidecar_redirect.go}) and by what {@code iptables-restore} makes of what it passes on, and
 * what this makes of them. Where both differ, the page about migration has a line for it.
 */
class IstioValuesTest {
    private static final String TRAFFIC = "traffic.sidecar.istio.io/";
    private static final String BLANKS = "spaces around an address range, `*` or a mode";
    private static final String EMPTY = "an empty entry in a list";
    private static final String LONE = "an address without a prefix length";
    private static final String PORT = "a port with leading zeros";
    private static final String MAPPED = "an IPv4-mapped range";
    private static final String WILDCARD = "a wildcard in `reroute-virtual-interfaces`";
    private static final String AT = "`@` in `excludeInterfaces`";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "includeOutboundIPRanges | *                      | redirected",
                "includeOutboundIPRanges | ``                     | redirected",
                "includeOutboundIPRanges | 10.1.2.3/8             | redirected",
                "includeOutboundIPRanges | 0.0.0.0/0              | redirected",
                "includeOutboundIPRanges | 2001:db8::/32,10.0.0.0/8| redirected",
                "includeOutboundIPRanges | *,10.0.0.0/8           | refused",
                "includeOutboundIPRanges | 10.0.0.0/33            | refused",
                "includeOutboundIPRanges | 10.0.0.0/-1            | refused",
                "includeOutboundIPRanges | 10.0.0.0/+8            | refused",
                "includeOutboundIPRanges | 10.0.0.0/08            | refused",
                "includeOutboundIPRanges | 010.0.0.0/8            | refused",
                "includeOutboundIPRanges | 10.0.0/8               | refused",
                "includeOutboundIPRanges | 10.0.0.0/              | refused",
                "includeOutboundIPRanges | 10.0.0.0/255.0.0.0     | refused",
                "includeOutboundIPRanges | fe80::1%eth0/64        | refused",
                "includeOutboundIPRanges | 2001:db8::/129         | refused",
                "includeOutboundIPRanges | 2001:db8:::/32         | refused",
                "includeOutboundIPRanges | example.com/8          | refused",
                "excludeOutboundIPRanges | *                      | refused",
                "excludeOutboundIPRanges | 10.0.0.0/8;192.0.2.0/24| refused",
                "includeInboundPorts     | *                      | redirected",
                "includeInboundPorts     | ``                     | redirected",
                "includeInboundPorts     | 8080, 9090             | redirected",
                "includeInboundPorts     | 0                      | redirected",
                "includeInboundPorts     | 65535                  | redirected",
                "includeInboundPorts     | 65536                  | refused",
                "includeInboundPorts     | -1                     | refused",
                "includeInboundPorts     | +80                    | refused",
                "includeInboundPorts     | 80:90                  | refused",
                "includeInboundPorts     | 80-90                  | refused",
                "includeInboundPorts     | 0x50                   | refused",
                "includeInboundPorts     | 8_0                    | refused",
                "includeInboundPorts     | http                   | refused",
                "includeInboundPorts     | *,80                   | refused",
                "excludeInboundPorts     | 99999999999999999999   | refused",
                "excludeOutboundPorts    | 80;443                 | refused",
                "includeOutboundPorts    | ``                     | redirected",
                "excludeInterfaces       | ``                     | redirected",
                "excludeInterfaces       | net1,net2              | redirected",
                "excludeInterfaces       | net1, net2             | redirected",
                "excludeInterfaces       | net+                   | refused",
                "excludeInterfaces       | -net                   | refused",
                "excludeInterfaces       | sixteen-letters-        | refused",
                "excludeInterfaces       | a name                 | refused",
                "kubevirtInterfaces      | a name                 | refused"
            })
    void bothDoTheSame(String annotation, String value, String outcome) {
        assertThat(outcome(TRAFFIC + annotation, value)).isEqualTo(outcome);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "interceptionMode | REDIRECT | redirected",
                "interceptionMode | TPROXY   | redirected",
                "interceptionMode | tproxy   | refused",
                "interceptionMode | ``       | refused",
                "interceptionMode | REDIRECT,TPROXY | refused"
            })
    void bothKnowTheSameModes(String annotation, String value, String outcome) {
        assertThat(outcome("sidecar.istio.io/" + annotation, value)).isEqualTo(outcome);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                TRAFFIC + "excludeOutboundIPRanges | 10.0.0.0/8, 192.0.2.0/24 | refused    | redirected |" + BLANKS,
                TRAFFIC + "includeOutboundIPRanges | ` * `                    | refused    | redirected |" + BLANKS,
                "sidecar.istio.io/interceptionMode | ` TPROXY`                | refused    | redirected |" + BLANKS,
                TRAFFIC + "excludeOutboundIPRanges | 10.0.0.0/8,              | refused    | redirected |" + EMPTY,
                TRAFFIC + "excludeOutboundPorts    | 8080,                    | refused    | redirected |" + EMPTY,
                TRAFFIC + "excludeInterfaces       | eth1,,eth2               | refused    | redirected |" + EMPTY,
                TRAFFIC + "excludeOutboundIPRanges | 10.1.2.3                 | refused    | redirected |" + LONE,
                TRAFFIC + "includeInboundPorts     | 0080                     | refused    | redirected |" + PORT,
                TRAFFIC + "includeOutboundIPRanges | `  `                     | refused    | redirected |" + BLANKS,
                TRAFFIC + "includeOutboundIPRanges | ::ffff:10.0.0.0/104      | redirected | refused    |" + MAPPED,
                "istio.io/reroute-virtual-interfaces | vnet+                  | redirected | refused    |" + WILDCARD,
                "sidecar.istio.io/interceptionMode | NONE                     | refused    | skipped    |interceptionMode: NONE",
                TRAFFIC + "excludeInterfaces       | eth@1                    | refused    | redirected |" + AT
            })
    void whereTheyDifferThePageSaysSo(String annotation, String value, String istio, String here, String line)
            throws IOException {
        assertThat(outcome(annotation, value)).isEqualTo(here).isNotEqualTo(istio);
        assertThat(Files.readString(Path.of("../docs/migrating.md"))).contains(line);
    }

    @Test
    void moreRangesThanTheLimitAreRefusedHere() throws IOException {
        String ranges = IntStream.range(0, 4200)
                .mapToObj(i -> "10." + i / 256 + "." + i % 256 + ".0/24")
                .collect(Collectors.joining(","));

        assertThat(outcome(TRAFFIC + "excludeOutboundIPRanges", ranges)).isEqualTo("refused");
        assertThat(Files.readString(Path.of("../docs/migrating.md"))).contains("more than 4096 rules");
    }

    @ParameterizedTest
    @CsvSource({"true, true", "T, true", "1, true", "yes, false", "tRUE, false", "on, false", "'', false"})
    void bothKnowTheSameTruthValues(String value, boolean meant) {
        assertThat(dnsIsCaptured(value)).isEqualTo(meant);
    }

    @Test
    void blanksAroundATruthValueCountForIstioOnly() throws IOException {
        assertThat(dnsIsCaptured(" true")).isTrue();
        assertThat(Files.readString(Path.of("../docs/migrating.md"))).contains("spaces around a truth value");
    }

    private static boolean dnsIsCaptured(String value) {
        Pod pod = Pods.injected(Map.of(RedirectPolicy.STATUS, "{}"), Map.of(AnnotationParser.DNS_CAPTURE, value));
        return RedirectPolicy.decide(pod) instanceof Decision.Redirect redirect
                && redirect.parameters().dns() instanceof DnsCapture.AllResolvers;
    }

    private static String outcome(String annotation, String value) {
        try {
            return switch (RedirectPolicy.decide(
                    Pods.injected(Map.of(RedirectPolicy.STATUS, "{}", annotation, value), Map.of()))) {
                case Decision.Redirect _ -> "redirected";
                case Decision.Skip _ -> "skipped";
            };
        } catch (InvalidParameterException e) {
            return "refused";
        }
    }
}
