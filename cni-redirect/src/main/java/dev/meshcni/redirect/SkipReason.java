// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

/** The reason why a pod's traffic is not redirected. */
public enum SkipReason {
    EXCLUDED_NAMESPACE("excluded-namespace", "the namespace is excluded from redirection"),
    ISTIO_INIT("istio-init", "the pod sets up its own redirection in a container named istio-init"),
    ENVOY_DISABLED("envoy-disabled", "the proxy runs without Envoy (DISABLE_ENVOY)"),
    NO_PROXY("no-proxy", "the pod has no container named istio-proxy"),
    NOT_A_SIDECAR("not-a-sidecar", "the proxy is not a sidecar"),
    INJECTION_OFF("injection-off", "sidecar.istio.io/inject is false"),
    NOT_INJECTED("not-injected", "the pod has no annotation sidecar.istio.io/status, so no sidecar was injected"),
    HOST_NETWORK("host-network", "the pod uses the host network"),
    MODE_NONE("mode-none", "sidecar.istio.io/interceptionMode is NONE");

    private final String label;
    private final String description;

    SkipReason(String label, String description) {
        this.label = label;
        this.description = description;
    }

    /** A short stable name for metrics and machines. */
    public String label() {
        return label;
    }

    /** The reason as text. */
    public String description() {
        return description;
    }
}
