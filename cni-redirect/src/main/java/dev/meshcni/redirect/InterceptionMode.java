package dev.meshcni.redirect;

/** How inbound connections reach the proxy: the annotation {@code sidecar.istio.io/interceptionMode}. */
public enum InterceptionMode {
    /** The destination is rewritten (nat); the proxy and the application see the proxy's address as the client's. */
    REDIRECT,
    /** The packet keeps both its addresses and is handed to the proxy by a mark and a route. */
    TPROXY
}
