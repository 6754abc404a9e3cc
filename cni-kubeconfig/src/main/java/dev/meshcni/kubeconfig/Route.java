// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.util.Objects.requireNonNull;

import java.net.URI;
import java.util.Optional;

/**
 * The way to a server that is not simply dialled.
 *
 * @param host the host that is dialled in the end
 * @param port its port
 * @param proxy by which proxy: {@code http}, {@code https} or {@code socks5}, with its port; empty for none
 */
public record Route(String host, int port, Optional<URI> proxy) {
    public Route {
        requireNonNull(host, "host is null");
        requireNonNull(proxy, "proxy is null");
    }
}
