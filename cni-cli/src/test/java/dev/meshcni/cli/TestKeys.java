// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Keys and certificates as {@code openssl} writes them, made in a directory. */
record TestKeys(Path directory) {
    /** A key and the command that makes it. */
    enum Kind {
        RSA_IN_PKCS8("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out"),
        RSA_IN_PKCS1("genrsa -traditional -out"),
        EC_IN_PKCS8("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out"),
        EC_IN_SEC1("ecparam -name prime256v1 -genkey -noout -out"),
        EC_WITH_PARAMETERS_IN_FRONT("ecparam -name secp384r1 -genkey -out"),
        ED25519("genpkey -algorithm ed25519 -out");

        private final String command;

        Kind(String command) {
            this.command = command;
        }
    }

    /** Makes an authority, {@code ca.crt}, and a server's certificate for a name or address, {@code server.p12}. */
    void serverFor(String alternativeName) throws IOException, InterruptedException {
        key("ca.key", Kind.EC_IN_PKCS8);
        openssl("req -x509 -new -key ca.key -subj /CN=authority -days 2 -out ca.crt");
        key("server.key", Kind.EC_IN_PKCS8);
        certificate("server", "/CN=server", "subjectAltName=" + alternativeName);
        openssl("pkcs12 -export -inkey server.key -in server.crt -passout pass:server -out server.p12");
    }

    /** Makes {@code client.key} and {@code client.crt}. */
    void client(Kind kind) throws IOException, InterruptedException {
        key("client.key", kind);
        certificate("client", "/CN=client", "extendedKeyUsage=clientAuth");
    }

    void key(String name, Kind kind) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(kind.command.split(" ")));
        command.add(name);
        openssl(command);
    }

    void openssl(String command) throws IOException, InterruptedException {
        openssl(List.of(command.split(" ")));
    }

    String text(String name) throws IOException {
        return Files.readString(directory.resolve(name));
    }

    private void certificate(String name, String subject, String extension) throws IOException, InterruptedException {
        Files.writeString(directory.resolve(name + ".ext"), extension + "\n");
        openssl(List.of("req", "-new", "-key", name + ".key", "-subj", subject, "-out", name + ".csr"));
        openssl("x509 -req -in " + name + ".csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile " + name
                + ".ext -out " + name + ".crt");
    }

    private void openssl(List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(command + ": " + output);
        }
    }
}
