// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect.testkit;

import dev.meshcni.redirect.AmbientOptions;
import dev.meshcni.redirect.AmbientRules;
import dev.meshcni.redirect.Pod;
import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.IpFamily;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Sets of options of ambient pods, each with the rules that Istio's node agent writes for it, by iptables and by
 * nftables: recorded of Istio 1.31 in development (22 August 2026). The two that capture DNS have the same rules.
 */
public enum RecordedAmbient {
    DNS_CAPTURED("dns-captured", true, "", false, false),
    DNS_CAPTURED_BY_POD("dns-captured", false, "true", false, false),
    DNS_LEFT_BY_POD("dns-left", true, "false", false, false),
    INBOUND_BYPASSED("inbound-bypassed", false, "", true, false),
    GUESTS("guests", false, "", false, true),
    GUESTS_AND_INBOUND_BYPASSED("guests-and-inbound-bypassed", false, "", true, true);

    /** The interface of a guest in the recorded rules. */
    public static final String GUEST_INTERFACE = "fake1s0f0";

    /** Where probes come from in the recorded rules. */
    public static final Cidr PROBE_IPV4 = Cidr.parse("169.254.7.127");

    /** Where probes come from in the recorded rules, by IPv6. */
    public static final Cidr PROBE_IPV6 = Cidr.parse("e9ac:1e77:90ca:399f:4d6d:ece2:2f9b:3164");

    private final String file;
    private final boolean dnsOfNode;
    private final String dnsOfPod;
    private final boolean inboundBypassed;
    private final boolean guests;

    RecordedAmbient(String file, boolean dnsOfNode, String dnsOfPod, boolean inboundBypassed, boolean guests) {
        this.file = file;
        this.dnsOfNode = dnsOfNode;
        this.dnsOfPod = dnsOfPod;
        this.inboundBypassed = inboundBypassed;
        this.guests = guests;
    }

    /** What the node decides. */
    public AmbientOptions.Node node() {
        return new AmbientOptions.Node(dnsOfNode, "variable AMBIENT_DNS_CAPTURE", PROBE_IPV4, PROBE_IPV6, true);
    }

    /** A pod that asks for these options, with an application and nothing else. */
    public Pod pod() {
        Map<String, String> annotations = new HashMap<>();
        if (!dnsOfPod.isEmpty()) {
            annotations.put(AmbientOptions.DNS_CAPTURE, dnsOfPod);
        }
        if (inboundBypassed) {
            annotations.put(AmbientOptions.BYPASS_INBOUND, "true");
        }
        if (guests) {
            annotations.put("istio.io/reroute-virtual-interfaces", GUEST_INTERFACE + ", fake1s0f1");
        }
        return new Pod(
                "shop",
                "web",
                "",
                Map.of("istio.io/dataplane-mode", "ambient"),
                annotations,
                false,
                List.of(),
                List.of(Pods.container("app")));
    }

    /** The options. */
    public AmbientOptions options() {
        return AmbientOptions.of(pod(), node());
    }

    /** Our plan for the options. */
    public RedirectPlan plan(Set<IpFamily> families) {
        return AmbientRules.compile(options(), families);
    }

    /** The input of {@code iptables-restore --noflush} or {@code ip6tables-restore --noflush}. */
    public String iptables(IpFamily family) {
        return text(file + "." + family.label() + ".iptables.txt");
    }

    /** The input of {@code nft -f}, with IPv6 or without. */
    public String nft(boolean ipv6) {
        return text(file + (ipv6 ? ".both.nft.txt" : ".ipv4.nft.txt"));
    }

    private static String text(String name) {
        try (InputStream in = RecordedAmbient.class.getResourceAsStream("ambient/" + name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
