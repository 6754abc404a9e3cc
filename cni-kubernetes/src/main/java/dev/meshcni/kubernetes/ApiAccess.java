// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import static java.util.Objects.requireNonNull;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.http.HttpClient;

/**
 * How the API server is reached.
 *
 * @param server its address as the kubeconfig or the pod has it, for messages
 * @param config the settings of a client, which may still be changed
 * @param transport the connections of a client
 */
public record ApiAccess(String server, Config config, HttpClient.Factory transport) {
    public ApiAccess {
        requireNonNull(server, "server is null");
        requireNonNull(config, "config is null");
        requireNonNull(transport, "transport is null");
    }

    /** A builder of a client; one client for one access. */
    public KubernetesClientBuilder client() {
        return new KubernetesClientBuilder().withConfig(config).withHttpClientFactory(transport);
    }
}
