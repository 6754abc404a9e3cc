// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.config.DaemonException;
import dev.meshcni.kubeconfig.Route;
import dev.meshcni.kubeconfig.Tunnel;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientImpl;
import java.io.IOException;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The JDK's HTTP client, with the keys and proxies of a kubeconfig that fabric8 does not know how to give it. */
final class ApiTransport extends JdkHttpClientFactory {
    /**
     * A way that is not simply dialled.
     *
     * @param timeout how long a connection may take to come about
     */
    record Detour(Route route, Duration timeout) {}

    private static final Logger LOG = LoggerFactory.getLogger(ApiTransport.class);

    private final Optional<SSLContext> tls;
    private final Optional<Detour> detour;
    private Optional<Tunnel> tunnel = Optional.empty();

    /**
     * @param tls whom the client trusts, and which certificate it shows; empty for what fabric8 makes of its settings
     * @param detour empty for connections that are simply made
     */
    ApiTransport(Optional<SSLContext> tls, Optional<Detour> detour) {
        this.tls = tls;
        this.detour = detour;
    }

    @Override
    protected void additionalConfig(HttpClient.Builder builder) {
        tls.ifPresent(builder::sslContext);
        detour.ifPresent(way -> builder.proxy(ProxySelector.of(opened(way).address())));
    }

    @Override
    protected void closeHttpClient(JdkHttpClientImpl client) {
        super.closeHttpClient(client);
        closeTunnel();
    }

    private synchronized Tunnel opened(Detour way) {
        try {
            closeTunnel();
            Tunnel opened = Tunnel.open(way.route(), way.timeout());
            tunnel = Optional.of(opened);
            return opened;
        } catch (IOException e) {
            throw new DaemonException("no port of loopback for the way to the API server: " + e.getMessage(), e);
        }
    }

    private synchronized void closeTunnel() {
        try {
            if (tunnel.isPresent()) {
                tunnel.get().close();
            }
        } catch (IOException e) {
            LOG.debug("error closing the way to the API server", e);
        }
        tunnel = Optional.empty();
    }
}
