// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static dev.meshcni.rules.InvalidParameterException.quote;

import dev.meshcni.rules.Cidr;
import dev.meshcni.rules.InterfaceName;
import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.IpFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * How the traffic of a pod is redirected to ztunnel: what the pod asks for, and what its node decides.
 *
 * @param dnsCapture whether DNS queries go to ztunnel
 * @param dnsOrigin where that was decided, for people
 * @param inboundBypassed whether nothing inbound is captured, as gateways need it ("ingress mode")
 * @param virtualInterfaces interfaces of guests: TCP that arrives through them is outbound traffic
 * @param node what the node decides
 */
public record AmbientOptions(
        boolean dnsCapture,
        String dnsOrigin,
        boolean inboundBypassed,
        List<InterfaceName> virtualInterfaces,
        Node node) {
    /** Switches off the capture of inbound traffic. */
    public static final String BYPASS_INBOUND = "ambient.istio.io/bypass-inbound-capture";

    /** Switches the capture of DNS queries on or off, whatever the node does. */
    public static final String DNS_CAPTURE = "ambient.istio.io/dns-capture";

    /** The annotations that are read. */
    public static final Set<String> ANNOTATIONS =
            Set.of(BYPASS_INBOUND, DNS_CAPTURE, AnnotationParser.VIRTUAL_INTERFACES);

    public AmbientOptions {
        Objects.requireNonNull(dnsOrigin, "dnsOrigin is null");
        virtualInterfaces = List.copyOf(virtualInterfaces);
        Objects.requireNonNull(node, "node is null");
    }

    /**
     * What a node decides for all its ambient pods.
     *
     * @param dnsCapture whether DNS queries go to ztunnel, unless the pod says otherwise
     * @param dnsOrigin where that was decided, for people
     * @param probeIpv4 the source address of the kubelet's probes, which the node gives to them
     * @param probeIpv6 the same for IPv6
     * @param ipv6 whether IPv6 is redirected, where a pod has it
     */
    public record Node(boolean dnsCapture, String dnsOrigin, Cidr probeIpv4, Cidr probeIpv6, boolean ipv6) {
        /** The variable of Istio's node agent for the capture of DNS queries. */
        public static final String DNS_VARIABLE = "AMBIENT_DNS_CAPTURE";

        /** The variable of Istio's node agent for the source address of probes. */
        public static final String PROBE_IPV4_VARIABLE = "HOST_PROBE_SNAT_IP";

        /** The variable of Istio's node agent for the IPv6 source address of probes. */
        public static final String PROBE_IPV6_VARIABLE = "HOST_PROBE_SNAT_IPV6";

        /** The variable of Istio's node agent for IPv6. */
        public static final String IPV6_VARIABLE = "AMBIENT_IPV6";

        /** The settings of Istio's chart since 1.25. */
        public static final Node STANDARD = new Node(
                true,
                "default",
                Cidr.parse("169.254.7.127"),
                Cidr.parse("fd16:9254:7127:1337:ffff:ffff:ffff:ffff"),
                true);

        public Node {
            Objects.requireNonNull(dnsOrigin, "dnsOrigin is null");
            requireHost(probeIpv4, IpFamily.IPV4);
            requireHost(probeIpv6, IpFamily.IPV6);
        }

        /**
         * The settings in an environment with the variables of Istio's node agent; what it does not set is
         * {@link #STANDARD}.
         *
         * @throws InvalidParameterException if a variable holds what is not allowed; it names it
         */
        public static Node of(Map<String, String> environment) {
            String dns = environment.getOrDefault(DNS_VARIABLE, "");
            Node node = new Node(
                    STANDARD.dnsCapture,
                    STANDARD.dnsOrigin,
                    probe(environment, PROBE_IPV4_VARIABLE, STANDARD.probeIpv4),
                    probe(environment, PROBE_IPV6_VARIABLE, STANDARD.probeIpv6),
                    environment.getOrDefault(IPV6_VARIABLE, "").isEmpty()
                            || ParameterText.flag("variable " + IPV6_VARIABLE, environment.get(IPV6_VARIABLE)));
            return dns.isEmpty() ? node : node.capturingDns("variable " + DNS_VARIABLE, dns);
        }

        /**
         * The same settings with another choice for DNS.
         *
         * @param where where the choice stands
         * @throws InvalidParameterException if the text is not a truth value
         */
        public Node capturingDns(String where, String text) {
            return new Node(ParameterText.flag(where, text), where, probeIpv4, probeIpv6, ipv6);
        }

        /** The source address of probes in a family. */
        public Cidr probe(IpFamily family) {
            return switch (family) {
                case IPV4 -> probeIpv4;
                case IPV6 -> probeIpv6;
            };
        }

        private static Cidr probe(Map<String, String> environment, String name, Cidr standard) {
            String text = environment.getOrDefault(name, "");
            return text.isEmpty() ? standard : ParameterText.host("variable " + name, text, standard.family());
        }

        private static void requireHost(Cidr probe, IpFamily family) {
            if (probe.family() != family || probe.prefixLength() != family.addressBits()) {
                throw new IllegalArgumentException(probe + " is not one address of " + family.label());
            }
        }
    }

    /**
     * The options of a pod. A truth value that is none counts as absent, as for Istio; see {@link #warnings}.
     *
     * @throws InvalidParameterException if there are names of interfaces that are none, or too many, or if a field of
     *     the pod was too large to be read
     */
    public static AmbientOptions of(Pod pod, Node node) {
        if (!pod.cut().isEmpty()) {
            throw new InvalidParameterException(pod.cut().getFirst());
        }
        return of(pod.annotations(), node);
    }

    /**
     * The options of a pod that has these annotations.
     *
     * @throws InvalidParameterException if there are names of interfaces that are none, or too many
     */
    public static AmbientOptions of(Map<String, String> annotations, Node node) {
        Optional<Boolean> dns = flag(annotations, DNS_CAPTURE);
        String interfaces = annotations.getOrDefault(AnnotationParser.VIRTUAL_INTERFACES, "");
        return new AmbientOptions(
                dns.orElse(node.dnsCapture()),
                dns.isPresent() ? "annotation " + DNS_CAPTURE : node.dnsOrigin(),
                flag(annotations, BYPASS_INBOUND).orElse(false),
                ParameterText.interfaces("annotation " + AnnotationParser.VIRTUAL_INTERFACES, interfaces),
                node);
    }

    /** What is wrong with annotations and was ignored, a line each. */
    public static List<String> warnings(Pod pod) {
        List<String> warnings = new ArrayList<>();
        for (String name : List.of(BYPASS_INBOUND, DNS_CAPTURE)) {
            if (pod.annotations().containsKey(name)
                    && flag(pod.annotations(), name).isEmpty()) {
                warnings.add("annotation " + name + " is "
                        + quote(pod.annotations().get(name)) + ", which is neither true nor false: ignored");
            }
        }
        return warnings;
    }

    private static Optional<Boolean> flag(Map<String, String> annotations, String annotation) {
        String text = annotations.get(annotation);
        try {
            return Optional.ofNullable(text).map(value -> ParameterText.flag(annotation, value));
        } catch (InvalidParameterException e) {
            return Optional.empty();
        }
    }
}
