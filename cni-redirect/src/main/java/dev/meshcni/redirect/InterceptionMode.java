// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

/** The mode of inbound redirection: the annotation {@code sidecar.istio.io/interceptionMode}. */
public enum InterceptionMode {
    /** The destination is rewritten (nat); the proxy and the application see the proxy's address as the client's. */
    REDIRECT,
    /** The packet keeps both its addresses and is handed to the proxy by a mark and a route. */
    TPROXY
}
