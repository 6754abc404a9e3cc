// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.util.Objects.requireNonNull;

import dev.meshcni.config.DaemonException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/**
 * The access to a cluster that a context of a kubeconfig describes.
 *
 * @param server the address of the API server, as the kubeconfig has it
 * @param requested the address for requests: with the name that the server's certificate has to have
 * @param route how connections get there; empty if they are simply made
 * @param tls the authorities that are trusted, and the client certificate
 * @param credential who asks
 * @param impersonation as whom
 * @param namespace the namespace of the context; empty if it has none
 */
public record ClusterAccess(
        URI server,
        URI requested,
        Optional<Route> route,
        SSLContext tls,
        Credential credential,
        Impersonation impersonation,
        Optional<String> namespace) {
    private static final Set<String> PROXIES = Set.of("http", "https", "socks5");
    private static final String CA = "certificate-authority";

    public ClusterAccess {
        requireNonNull(server, "server is null");
        requireNonNull(requested, "requested is null");
        requireNonNull(route, "route is null");
        requireNonNull(tls, "tls is null");
        requireNonNull(credential, "credential is null");
        requireNonNull(impersonation, "impersonation is null");
        requireNonNull(namespace, "namespace is null");
    }

    static ClusterAccess of(Section context, Section cluster, Section user, Map<String, String> environment) {
        Optional<ExecPlugin> plugin = user.optionalSection("exec", user.place() + ": exec")
                .filter(_ -> !hasOwnCredential(user))
                .map(exec -> new ExecPlugin(exec, cluster));
        URI server = server(cluster);
        Optional<ExecCredential> executed = plugin.map(ExecPlugin::run);
        return new ClusterAccess(
                server,
                requested(cluster, server),
                route(cluster, server, environment),
                tls(cluster, user, executed, environment),
                credential(user, plugin, executed),
                Impersonation.of(user),
                context.text("namespace").filter(namespace -> !namespace.isEmpty()));
    }

    private static boolean hasOwnCredential(Section user) {
        return user.text("token").isPresent()
                || user.text("tokenFile").isPresent()
                || user.text("username").isPresent();
    }

    private static URI server(Section cluster) {
        String text = cluster.text("server").orElseThrow(() -> cluster.wrong("server", "is missing"));
        boolean certified = cluster.text(CA).isPresent()
                || cluster.text(CA + "-data").isPresent()
                || cluster.flag("insecure-skip-tls-verify");
        URI server = uri(cluster, "server", text.contains("://") ? text : (certified ? "https://" : "http://") + text);
        if (!Set.of("http", "https").contains(server.getScheme())) {
            throw cluster.wrong("server", text + " must begin with https:// or http://");
        }
        return server;
    }

    private static URI requested(Section cluster, URI server) {
        return cluster.text("tls-server-name")
                .filter(_ -> server.getScheme().equals("https"))
                .map(name -> uri(
                        cluster,
                        "tls-server-name",
                        "https://" + (name.indexOf(':') < 0 ? name : "[" + name + "]") + ":" + port(server)
                                + server.getRawPath()))
                .orElse(server);
    }

    private static Optional<Route> route(Section cluster, URI server, Map<String, String> environment) {
        Optional<URI> proxy = cluster.text("proxy-url")
                .or(() -> EnvironmentProxy.of(server, environment))
                .map(text -> proxy(cluster, text));
        return proxy.isPresent() || cluster.text("tls-server-name").isPresent()
                ? Optional.of(new Route(EnvironmentProxy.host(server), port(server), proxy))
                : Optional.empty();
    }

    private static URI proxy(Section cluster, String text) {
        URI proxy = uri(cluster, "proxy-url", text.contains("://") ? text : "http://" + text);
        if (!PROXIES.contains(proxy.getScheme())) {
            throw cluster.wrong("proxy-url", text + " must begin with http://, https:// or socks5://");
        }
        return proxy;
    }

    private static URI uri(Section cluster, String field, String text) {
        try {
            URI uri = new URI(text);
            if (uri.getHost() != null && uri.getScheme() != null) {
                String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
                return scheme.equals(uri.getScheme()) ? uri : new URI(scheme + text.substring(scheme.length()));
            }
        } catch (URISyntaxException _) {
            throw cluster.wrong(field, text + " is not a URL");
        }
        throw cluster.wrong(field, text + " is not a URL with a host");
    }

    private static int port(URI uri) {
        return uri.getPort() > 0 ? uri.getPort() : uri.getScheme().equals("https") ? 443 : 80;
    }

    private static Credential credential(Section user, Optional<ExecPlugin> plugin, Optional<ExecCredential> executed) {
        Optional<String> token = user.text("token");
        if (user.path("tokenFile").isPresent()) {
            return new Credential.Bearer(
                    new TokenFile(user, user.path("tokenFile").get()));
        }
        if (token.isPresent()) {
            return new Credential.Bearer(token::get);
        }
        if (user.text("username").isPresent()) {
            return new Credential.Basic(
                    user.text("username").get(), user.text("password").orElse(""));
        }
        if (executed.flatMap(ExecCredential::token).isPresent()) {
            return new Credential.Bearer(new ExecToken(
                    plugin.orElseThrow(),
                    executed.get().token().get(),
                    executed.get().expiry()));
        }
        return user.optionalSection("auth-provider", user.place() + ": auth-provider")
                .map(AuthProvider::token)
                .<Credential>map(found -> new Credential.Bearer(() -> found))
                .orElseGet(Credential.None::new);
    }

    private static SSLContext tls(
            Section cluster, Section user, Optional<ExecCredential> executed, Map<String, String> environment) {
        TrustManager[] trust = trust(cluster, environment);
        KeyManager[] identity = identity(user, executed);
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(identity, trust, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new DaemonException("no TLS in this Java runtime: " + e.getMessage(), e);
        }
    }

    private static TrustManager[] trust(Section cluster, Map<String, String> environment) {
        Optional<Section.Material> authorities = cluster.material(CA);
        if (cluster.flag("insecure-skip-tls-verify")) {
            if (authorities.isPresent()) {
                throw cluster.wrong(CA, "and insecure-skip-tls-verify exclude each other; remove one of them");
            }
            return new TrustManager[] {new NoTrust()};
        }
        try {
            return authorities.isPresent()
                    ? Certificates.trust(Certificates.read(authorities.get()))
                    : Certificates.systemTrust(environment);
        } catch (GeneralSecurityException | IOException e) {
            throw new DaemonException(cluster.place() + ": its authorities cannot be used: " + e.getMessage(), e);
        }
    }

    private static KeyManager[] identity(Section user, Optional<ExecCredential> executed) {
        Optional<Section.Material> certificate =
                user.material("client-certificate").or(() -> executed.flatMap(ExecCredential::certificate));
        Optional<Section.Material> key = user.material("client-key").or(() -> executed.flatMap(ExecCredential::key));
        if (certificate.isEmpty() && key.isEmpty()) {
            return new KeyManager[0];
        }
        if (certificate.isEmpty() || key.isEmpty()) {
            throw new DaemonException(user.place() + " has a client-" + (key.isEmpty() ? "certificate" : "key")
                    + " without its client-" + (key.isEmpty() ? "key" : "certificate"));
        }
        List<X509Certificate> chain = Certificates.read(certificate.get());
        try {
            return Certificates.identity(
                    ClientKey.read(key.get(), chain.getFirst().getPublicKey()), chain);
        } catch (GeneralSecurityException | IOException e) {
            throw new DaemonException(user.place() + ": its client certificate cannot be used: " + e.getMessage(), e);
        }
    }
}
