// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * An API server on loopback behind TLS: says its version, shows no pods and forbids the rest, to whoever shows a
 * certificate of its authority, {@link #TOKEN}, or {@link #BASIC}.
 */
final class TlsApiServer implements AutoCloseable {
    static final String TOKEN = "a-good-token";

    /** {@code admin:s3cret}. */
    static final String BASIC = "Basic YWRtaW46czNjcmV0";

    /**
     * A request as it came.
     *
     * @param subject that of the client's certificate; empty without one
     * @param name the name that the client asked for (SNI); empty without one
     */
    record Seen(String path, String subject, String authorization, String name) {}

    private final List<Seen> seen = new CopyOnWriteArrayList<>();
    private final SSLServerSocket listener;

    /** Starts it with {@code server.p12} and {@code ca.crt} of a directory. */
    TlsApiServer(Path directory) throws IOException, GeneralSecurityException {
        listener = (SSLServerSocket)
                context(directory).getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        SSLParameters parameters = listener.getSSLParameters();
        parameters.setWantClientAuth(true);
        listener.setSSLParameters(parameters);
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    List<Seen> seen() {
        return seen;
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }

    private static SSLContext context(Path directory) throws IOException, GeneralSecurityException {
        KeyStore own = KeyStore.getInstance(directory.resolve("server.p12").toFile(), "server".toCharArray());
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, "server".toCharArray());
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream in = new FileInputStream(directory.resolve("ca.crt").toFile())) {
            trusted.setCertificateEntry(
                    "ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory clients = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        clients.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), clients.getTrustManagers(), null);
        return context;
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                Thread.ofVirtual().start(() -> serve((SSLSocket) client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(SSLSocket client) {
        try (client) {
            BufferedReader in = new BufferedReader(new InputStreamReader(client.getInputStream(), UTF_8));
            String path = in.readLine().split(" ", -1)[1];
            String authorization = "";
            for (String line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
                if (line.regionMatches(true, 0, "Authorization: ", 0, "Authorization: ".length())) {
                    authorization = line.substring("Authorization: ".length());
                }
            }
            Seen request = new Seen(path, subject(client), authorization, name(client));
            seen.add(request);
            client.getOutputStream().write(answer(request).getBytes(UTF_8));
        } catch (IOException | NullPointerException e) {
            // The client went away: the test sees it on its side.
        }
    }

    private static String answer(Seen request) {
        boolean known = !request.subject().isEmpty()
                || request.authorization().equals("Bearer " + TOKEN)
                || request.authorization().equals(BASIC);
        if (!known) {
            return answer("401 Unauthorized", "{\"kind\": \"Status\", \"apiVersion\": \"v1\", \"code\": 401}");
        }
        return switch (request.path().replaceFirst("\\?.*", "").replaceFirst("^/clusters/one", "")) {
            case "/version" -> answer("200 OK", "{\"major\": \"1\", \"minor\": \"33\", \"gitVersion\": \"v1.33.1\"}");
            case "/api/v1/pods" ->
                answer("200 OK", "{\"kind\": \"PodList\", \"apiVersion\": \"v1\", \"metadata\": {}, \"items\": []}");
            default -> answer("403 Forbidden", "{\"kind\": \"Status\", \"apiVersion\": \"v1\", \"code\": 403}");
        };
    }

    private static String answer(String status, String body) {
        return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
                + body.length() + "\r\n\r\n" + body;
    }

    private static String subject(SSLSocket client) {
        try {
            return client.getSession().getPeerPrincipal().getName();
        } catch (SSLPeerUnverifiedException e) {
            return "";
        }
    }

    private static String name(SSLSocket client) {
        for (SNIServerName name : ((ExtendedSSLSession) client.getSession()).getRequestedServerNames()) {
            if (name instanceof SNIHostName host) {
                return host.getAsciiName();
            }
        }
        return "";
    }
}
