// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import static dev.meshcni.rules.InvalidParameterException.quote;

import dev.meshcni.rules.InvalidParameterException;
import java.util.List;
import java.util.Optional;

/**
 * Decides whether a pod's traffic is redirected, by the same questions in the same order as Istio's own plugin, so that
 * both come to the same answer for every pod. Excluded namespaces are decided before a pod is looked up, from its names
 * alone.
 */
public final class RedirectPolicy {
    /** The container that redirects its pod itself, without a CNI. */
    public static final String INIT_CONTAINER = "istio-init";

    /** The annotation that the injector leaves on a pod that has got a sidecar. */
    public static final String STATUS = "sidecar.istio.io/status";

    static final String DISABLE_ENVOY = "DISABLE_ENVOY";
    static final String INJECT = "sidecar.istio.io/inject";

    private RedirectPolicy() {}

    /**
     * Decides about a pod.
     *
     * @throws InvalidParameterException if the pod is to be redirected but asks for what is not allowed, or if a field
     *     of it was too large to be read: what is not known is no reason to leave a pod alone
     */
    public static Decision decide(Pod pod) {
        Optional<Decision.Skip> skipped = skip(pod);
        return skipped.isPresent() ? skipped.get() : new Decision.Redirect(AnnotationParser.parse(pod));
    }

    /**
     * Returns why a pod's traffic is left alone; empty if it is redirected. What the pod asks for is not looked at.
     *
     * @throws InvalidParameterException if a field of the pod was too large to be read
     */
    public static Optional<Decision.Skip> skip(Pod pod) {
        if (!pod.cut().isEmpty()) {
            throw new InvalidParameterException(pod.cut().getFirst());
        }
        return skipContainers(pod).or(() -> skipInjection(pod)).or(() -> skipNetwork(pod));
    }

    private static Optional<Decision.Skip> skipContainers(Pod pod) {
        if (pod.container(INIT_CONTAINER).isPresent()) {
            return Optional.of(skip(SkipReason.ISTIO_INIT));
        }
        Optional<Pod.Container> proxy = pod.container(AnnotationParser.PROXY_CONTAINER);
        if (proxy.isEmpty()) {
            return Optional.of(skip(SkipReason.NO_PROXY));
        }
        if (saysTrue(proxy.get().env().getOrDefault(DISABLE_ENVOY, ""))) {
            return Optional.of(skip(SkipReason.ENVOY_DISABLED));
        }
        String type = proxyType(proxy.get());
        if (!type.isEmpty() && !type.equals("sidecar")) {
            return Optional.of(skip(SkipReason.NOT_A_SIDECAR, "proxy type is " + quote(type)));
        }
        return Optional.empty();
    }

    private static Optional<Decision.Skip> skipInjection(Pod pod) {
        String label = pod.labels().get(INJECT);
        String inject = label != null ? label : pod.annotations().getOrDefault(INJECT, "");
        if (saysFalse(inject)) {
            return Optional.of(
                    skip(SkipReason.INJECTION_OFF, label != null ? "set as a label" : "set as an annotation"));
        }
        return pod.annotations().containsKey(STATUS) ? Optional.empty() : Optional.of(skip(SkipReason.NOT_INJECTED));
    }

    private static Optional<Decision.Skip> skipNetwork(Pod pod) {
        if (pod.hostNetwork()) {
            return Optional.of(skip(SkipReason.HOST_NETWORK));
        }
        String mode = pod.annotations().getOrDefault(AnnotationParser.INTERCEPTION_MODE, "");
        return mode.strip().equals("NONE") ? Optional.of(skip(SkipReason.MODE_NONE)) : Optional.empty();
    }

    private static String proxyType(Pod.Container proxy) {
        List<String> args = proxy.args();
        return args.size() >= 2 && args.getFirst().equals("proxy") ? args.get(1) : "";
    }

    private static Decision.Skip skip(SkipReason reason) {
        return new Decision.Skip(reason, reason.description());
    }

    private static Decision.Skip skip(SkipReason reason, String found) {
        return new Decision.Skip(reason, reason.description() + ": " + found);
    }

    /** Text that is neither true nor false decides nothing, as in Istio. */
    private static boolean saysTrue(String text) {
        return ParameterText.truth(text).orElse(false);
    }

    private static boolean saysFalse(String text) {
        return !ParameterText.truth(text).orElse(true);
    }
}
