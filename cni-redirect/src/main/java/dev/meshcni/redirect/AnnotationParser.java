// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static dev.meshcni.redirect.RedirectParameters.DEFAULT_PROXY_ID;

import dev.meshcni.rules.InvalidParameterException;
import dev.meshcni.rules.OwnerIds;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;

/**
 * Reads the redirection parameters of a pod from its annotations and from the environment of its proxy.
 *
 * <p>Annotations are written by whoever may create pods: nothing of their text survives, only typed values. What Istio
 * accepts is accepted.
 */
public final class AnnotationParser {
    /** The container that holds the proxy; an init container in a pod with a native sidecar. */
    public static final String PROXY_CONTAINER = "istio-proxy";

    public static final String INTERCEPTION_MODE = "sidecar.istio.io/interceptionMode";
    public static final String INCLUDE_OUTBOUND_CIDRS = "traffic.sidecar.istio.io/includeOutboundIPRanges";
    public static final String EXCLUDE_OUTBOUND_CIDRS = "traffic.sidecar.istio.io/excludeOutboundIPRanges";
    public static final String INCLUDE_INBOUND_PORTS = "traffic.sidecar.istio.io/includeInboundPorts";
    public static final String EXCLUDE_INBOUND_PORTS = "traffic.sidecar.istio.io/excludeInboundPorts";
    public static final String INCLUDE_OUTBOUND_PORTS = "traffic.sidecar.istio.io/includeOutboundPorts";
    public static final String EXCLUDE_OUTBOUND_PORTS = "traffic.sidecar.istio.io/excludeOutboundPorts";
    public static final String EXCLUDE_INTERFACES = "traffic.sidecar.istio.io/excludeInterfaces";
    public static final String KUBEVIRT_INTERFACES = "traffic.sidecar.istio.io/kubevirtInterfaces";
    public static final String VIRTUAL_INTERFACES = "istio.io/reroute-virtual-interfaces";

    public static final String DNS_CAPTURE = "ISTIO_META_DNS_CAPTURE";
    public static final String DUAL_STACK = "ISTIO_DUAL_STACK";
    public static final String INVALID_DROP = "INVALID_DROP";
    public static final String OWNER_GROUPS = "ISTIO_OUTBOUND_OWNER_GROUPS";
    public static final String EXCLUDED_OWNER_GROUPS = "ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE";
    public static final String IPV4_LOOPBACK = "ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR";

    /** The proxy's merged metrics and status, its health checks, its own metrics: asked from outside the mesh. */
    static final List<Integer> PROXY_INBOUND_PORTS = List.of(15020, 15021, 15090);

    private static final List<Integer> DEFAULT_EXCLUDED_OUTBOUND_PORTS = List.of(15020);
    private static final Logger LOG = System.getLogger(AnnotationParser.class.getName());

    private final Pod pod;
    private final Pod.Container proxy;
    private final RedirectParametersBuilder builder = RedirectParameters.builder();

    private AnnotationParser(Pod pod, Pod.Container proxy) {
        this.pod = pod;
        this.proxy = proxy;
    }

    /**
     * The parameters of a pod.
     *
     * @throws InvalidParameterException if an annotation or a variable holds what is not allowed; it names it
     * @throws IllegalArgumentException if the pod has no proxy container
     */
    public static RedirectParameters parse(Pod pod) {
        Pod.Container proxy = pod.container(PROXY_CONTAINER)
                .orElseThrow(() -> new IllegalArgumentException("no container named " + PROXY_CONTAINER));
        return new AnnotationParser(pod, proxy).parse();
    }

    private RedirectParameters parse() {
        annotation(INTERCEPTION_MODE, Parameter.MODE, ParameterText::mode).ifPresent(builder::mode);
        builder.proxyUids(List.of(proxyId(proxy.runAsUser(), Parameter.PROXY_UIDS, "runAsUser")));
        builder.proxyGids(List.of(proxyId(proxy.runAsGroup(), Parameter.PROXY_GIDS, "runAsGroup")));
        parseInbound();
        parseOutbound();
        parseInterfaces();
        parseEnvironment();
        return builder.build();
    }

    private void parseInbound() {
        annotation(INCLUDE_INBOUND_PORTS, Parameter.INBOUND_PORTS, ParameterText::portSelection)
                .ifPresent(builder::inboundPorts);
        annotation(EXCLUDE_INBOUND_PORTS, Parameter.EXCLUDED_INBOUND_PORTS, ParameterText::ports)
                .ifPresent(builder::excludedInboundPorts);
        builder.proxyInboundPorts(PROXY_INBOUND_PORTS);
        builder.origin(Parameter.PROXY_INBOUND_PORTS, "always");
    }

    private void parseOutbound() {
        annotation(EXCLUDE_OUTBOUND_CIDRS, Parameter.EXCLUDED_OUTBOUND_CIDRS, ParameterText::cidrs)
                .ifPresent(builder::excludedOutboundCidrs);
        annotation(INCLUDE_OUTBOUND_PORTS, Parameter.OUTBOUND_PORTS, ParameterText::ports)
                .ifPresent(builder::outboundPorts);
        builder.excludedOutboundPorts(
                annotation(EXCLUDE_OUTBOUND_PORTS, Parameter.EXCLUDED_OUTBOUND_PORTS, ParameterText::ports)
                        .orElse(DEFAULT_EXCLUDED_OUTBOUND_PORTS));
    }

    private void parseInterfaces() {
        annotation(INCLUDE_OUTBOUND_CIDRS, Parameter.OUTBOUND_CIDRS, ParameterText::cidrSelection)
                .ifPresent(builder::outboundCidrs);
        annotation(EXCLUDE_INTERFACES, Parameter.EXCLUDED_INTERFACES, ParameterText::interfaces)
                .ifPresent(builder::excludedInterfaces);
        String name = pod.annotations().containsKey(VIRTUAL_INTERFACES) ? VIRTUAL_INTERFACES : KUBEVIRT_INTERFACES;
        annotation(name, Parameter.VIRTUAL_INTERFACES, ParameterText::interfaces)
                .ifPresent(builder::virtualInterfaces);
    }

    private void parseEnvironment() {
        if (flag(DNS_CAPTURE, Parameter.DNS)) {
            builder.dns(new DnsCapture.AllResolvers());
        }
        builder.dualStack(flag(DUAL_STACK, Parameter.DUAL_STACK));
        builder.dropInvalid(flag(INVALID_DROP, Parameter.DROP_INVALID));
        variable(OWNER_GROUPS, Parameter.OWNER_GROUPS, AnnotationParser::groupSelection)
                .ifPresent(builder::ownerGroups);
        variable(EXCLUDED_OWNER_GROUPS, Parameter.EXCLUDED_OWNER_GROUPS, AnnotationParser::groups)
                .ifPresent(builder::excludedOwnerGroups);
        variable(IPV4_LOOPBACK, Parameter.IPV4_LOOPBACK, ParameterText::ipv4Loopback)
                .ifPresent(builder::ipv4Loopback);
    }

    private <T> Optional<T> annotation(String name, Parameter parameter, BiFunction<String, String, T> parser) {
        String text = pod.annotations().get(name);
        return text == null ? Optional.empty() : Optional.of(parsed(text, "annotation " + name, parameter, parser));
    }

    private <T> Optional<T> variable(String name, Parameter parameter, BiFunction<String, String, T> parser) {
        String text = proxy.env().get(name);
        return text == null
                ? Optional.empty()
                : Optional.of(parsed(text, "variable " + name + " of " + PROXY_CONTAINER, parameter, parser));
    }

    private <T> T parsed(String text, String where, Parameter parameter, BiFunction<String, String, T> parser) {
        T value = parser.apply(where, text);
        builder.origin(parameter, where);
        return value;
    }

    /** Istio takes a variable that is neither true nor false for false, so that the pod still starts. */
    private boolean flag(String name, Parameter parameter) {
        try {
            return variable(name, parameter, ParameterText::flag).orElse(false);
        } catch (InvalidParameterException e) {
            LOG.log(Level.WARNING, "{0}: {1}, using false", pod.qualifiedName(), e.getMessage());
            return false;
        }
    }

    private long proxyId(OptionalLong id, Parameter parameter, String field) {
        if (id.isEmpty() || id.getAsLong() == 0) {
            return DEFAULT_PROXY_ID;
        }
        String where = field + " of " + PROXY_CONTAINER;
        builder.origin(parameter, where);
        return ParameterText.number(where, Long.toString(id.getAsLong()), 1, OwnerIds.MAX);
    }

    private static Selection<Long> groupSelection(String where, String text) {
        return ParameterText.groupSelection(where, text, ParameterText::noGroupNames);
    }

    private static List<Long> groups(String where, String text) {
        return ParameterText.groups(where, text, ParameterText::noGroupNames);
    }
}
