// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.meshcni.config.DaemonException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Certificates of PEM files, and whom they make a TLS client trust or be. */
final class Certificates {
    /** Where distributions keep the authorities that a machine trusts. */
    private static final List<String> SYSTEM = List.of(
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/ssl/ca-bundle.pem",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
            "/etc/ssl/cert.pem");

    private Certificates() {}

    /**
     * The certificates of a file.
     *
     * @throws DaemonException if there is none, or one is broken
     */
    static List<X509Certificate> read(Section.Material material) {
        List<X509Certificate> found = new ArrayList<>();
        for (Pem block : Pem.blocks(material)) {
            if (block.label().equals("CERTIFICATE")) {
                try {
                    found.add((X509Certificate) CertificateFactory.getInstance("X.509")
                            .generateCertificate(new ByteArrayInputStream(block.der())));
                } catch (CertificateException | IllegalArgumentException e) {
                    throw new DaemonException(
                            material.place() + ": certificate " + (found.size() + 1) + " is broken: " + e.getMessage(),
                            e);
                }
            }
        }
        if (found.isEmpty()) {
            throw new DaemonException(material.place() + " has no certificate in PEM form");
        }
        return found;
    }

    /** Trusts these authorities and nobody else. */
    static TrustManager[] trust(List<X509Certificate> authorities) throws GeneralSecurityException, IOException {
        KeyStore store = store();
        for (int i = 0; i < authorities.size(); i++) {
            store.setCertificateEntry("ca-" + i, authorities.get(i));
        }
        return trust(store);
    }

    /** Trusts whom the machine trusts, which may be more than the Java runtime brings along. */
    static TrustManager[] systemTrust(Map<String, String> environment) throws GeneralSecurityException, IOException {
        Optional<Path> file = Stream.concat(
                        Optional.ofNullable(environment.get("SSL_CERT_FILE")).stream(), SYSTEM.stream())
                .map(Path::of)
                .filter(Files::isReadable)
                .findFirst();
        return file.isPresent()
                ? trust(read(new Section.Material(file.get().toString(), Files.readString(file.get(), ISO_8859_1))))
                : trust((KeyStore) null);
    }

    /** Shows a certificate to a server that asks for one. */
    static KeyManager[] identity(PrivateKey key, List<X509Certificate> chain)
            throws GeneralSecurityException, IOException {
        KeyStore store = store();
        store.setKeyEntry("client", key, new char[0], chain.toArray(X509Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, new char[0]);
        return factory.getKeyManagers();
    }

    private static TrustManager[] trust(KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private static KeyStore store() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }
}
