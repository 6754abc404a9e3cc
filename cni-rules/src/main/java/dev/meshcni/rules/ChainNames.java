// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.rules;

/**
 * The names of the chains, those of the kernel that we add to and those of our own. Istio gives its chains these names,
 * and tools that inspect a pod rely on them.
 */
public final class ChainNames {
    public static final String PREROUTING = "PREROUTING";
    public static final String OUTPUT = "OUTPUT";

    /** Decides about what arrives. */
    public static final String INBOUND = "ISTIO_INBOUND";
    /** Sends what arrives to the proxy. */
    public static final String IN_REDIRECT = "ISTIO_IN_REDIRECT";
    /** Decides about what arrives in an ambient pod. */
    public static final String ISTIO_PREROUTING = "ISTIO_PRERT";
    /** Decides about what leaves. */
    public static final String ISTIO_OUTPUT = "ISTIO_OUTPUT";
    /** Sends what leaves to the proxy. */
    public static final String REDIRECT = "ISTIO_REDIRECT";
    /** Sends DNS queries to the agent (nat), and keeps their connections apart (raw). */
    public static final String OUTPUT_DNS = "ISTIO_OUTPUT_DNS";
    /** Marks packets of connections that the proxy has already, so that they are delivered locally. */
    public static final String DIVERT = "ISTIO_DIVERT";
    /** Hands new inbound connections to the proxy, addresses unchanged. */
    public static final String TPROXY = "ISTIO_TPROXY";
    /** Drops packets that belong to no connection. */
    public static final String DROP = "ISTIO_DROP";

    private ChainNames() {}
}
