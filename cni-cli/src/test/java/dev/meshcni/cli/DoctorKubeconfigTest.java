// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.cli.TlsApiServer.Seen;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code doctor --cluster} with each kind of key, credential and proxy that kubectl takes from a kubeconfig. */
@Slow
class DoctorKubeconfigTest {
    private static final String CA = "certificate-authority: ca.crt";
    private static final String TOKEN = "token: " + TlsApiServer.TOKEN;

    @TempDir
    private Path directory;

    private TestKeys keys;
    private TlsApiServer server;

    @BeforeEach
    void start() throws Exception {
        keys = new TestKeys(directory);
        keys.serverFor("IP:127.0.0.1");
        server = new TlsApiServer(directory);
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    @ParameterizedTest
    @EnumSource
    void aClientCertificateMayHaveAnyKindOfKey(TestKeys.Kind kind) throws Exception {
        keys.client(kind);

        accepted(CA, "client-certificate: client.crt, client-key: client.key");
        accepted(
                "certificate-authority-data: " + base64("ca.crt"),
                "client-certificate-data: %s, client-key-data: %s"
                        .formatted(base64("client.crt"), base64("client.key")));

        assertThat(server.seen()).extracting(Seen::subject).containsOnly("CN=client");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pkcs8 -topk8 -v2 aes256", "rsa -aes256 -traditional"})
    void anEncryptedKeyIsNamedWithTheRemedy(String command) throws Exception {
        keys.client(TestKeys.Kind.RSA_IN_PKCS8);
        keys.openssl(command + " -passout pass:secret -in client.key -out locked.key");

        refused(
                CA,
                "client-certificate: client.crt, client-key: locked.key",
                "user \"u\": client-key " + directory.resolve("locked.key") + " is encrypted",
                "openssl pkey -in KEY -out PLAIN-KEY");
    }

    @Test
    void aKeyThatDoesNotBelongToItsCertificateIsAnError() throws Exception {
        keys.client(TestKeys.Kind.EC_IN_SEC1);
        keys.key("other.key", TestKeys.Kind.EC_IN_SEC1);
        keys.key("rsa.key", TestKeys.Kind.RSA_IN_PKCS1);
        String certificate = "client-certificate: client.crt, client-key: ";

        refused(CA, certificate + "other.key", "other.key is the key of another certificate");
        refused(CA, certificate + "rsa.key", "rsa.key is not a usable EC key");
        refused(CA, certificate + "client.crt", "client.crt has no private key in PEM form");
        refused(CA, certificate + "gone.key", "client-key " + directory.resolve("gone.key") + " does not exist");
        refused(CA, "client-certificate: client.crt", "a client-certificate without its client-key");
        refused(CA, "client-certificate: client.crt, client-key-data: '***'", "client-key-data has no private key");
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {
                "token: a-good-token              | Bearer a-good-token",
                "tokenFile: token                 | Bearer a-good-token",
                "username: admin, password: s3cret| Basic YWRtaW46czNjcmV0"
            },
            delimiter = '|')
    void whoAsksIsSaidInTheRequest(String user, String authorization) throws IOException {
        Files.writeString(directory.resolve("token"), TlsApiServer.TOKEN + "\n");

        accepted(CA, user);

        assertThat(server.seen()).extracting(Seen::authorization).containsOnly(authorization);
    }

    @ParameterizedTest
    @ValueSource(strings = {"v1", "v1beta1"})
    void anExecPluginGivesATokenOrACertificate(String version) throws Exception {
        keys.client(TestKeys.Kind.EC_IN_SEC1);
        plugin("""
                echo "progress on standard error" >&2
                echo "$KUBERNETES_EXEC_INFO" >%s/info
                printf '{"apiVersion": "client.authentication.k8s.io/%s", "kind": "ExecCredential", "status": %%s}' "$STATUS"
                """.formatted(directory, version));
        String exec = "exec: {apiVersion: client.authentication.k8s.io/" + version
                + ", command: ./plugin, args: ['$HOME', \"it's\"], provideClusterInfo: true, env: [{name: STATUS, value: '%s'}]}";

        accepted(CA, exec.formatted("{\"token\": \"" + TlsApiServer.TOKEN + "\"}"));
        accepted(
                CA,
                exec.formatted("{\"clientCertificateData\": \"%s\", \"clientKeyData\": \"%s\"}"
                        .formatted(escaped("client.crt"), escaped("client.key"))));

        assertThat(server.seen()).extracting(Seen::subject).contains("", "CN=client");
        assertThat(keys.text("info"))
                .contains("\"server\":\"https://127.0.0.1:" + server.port())
                .contains("\"interactive\":false");
    }

    @Test
    void anExecPluginThatFailsIsNamedWithItsFirstWords() throws IOException {
        plugin("echo 'error: session expired' >&2; echo more >&2; exit 3");
        String exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: %s, installHint: get it}";

        refused(
                CA,
                exec.formatted("./plugin"),
                "user \"u\": exec: plugin ./plugin failed with exit code 3: error: session expired; get it");
        refused(CA, exec.formatted("no-such-plugin"), "plugin no-such-plugin cannot be run: there is no such program");
        refused(CA, exec.formatted("./gone"), directory.resolve("gone") + " does not exist");
        refused(
                CA,
                exec.formatted("/bin/true").replace("/v1", "/v1alpha1"),
                "apiVersion client.authentication.k8s.io/v1alpha1 must be one of");
        refused(CA, exec.formatted("/bin/true"), "plugin /bin/true printed no ExecCredential");
        plugin("echo '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\"}'");
        refused(CA, exec.formatted("./plugin"), "gave neither a token nor a client certificate");
    }

    @ParameterizedTest
    @EnumSource
    void aProxyIsUsedWithItsPassword(TestProxy.Protocol protocol) throws IOException {
        try (TestProxy proxy = new TestProxy(protocol, server.port())) {
            String url = "proxy-url: " + (protocol == TestProxy.Protocol.HTTP ? "http" : "socks5") + "://%s127.0.0.1:"
                    + proxy.port();

            accepted(CA + ", " + url.formatted("user:pass@"), TOKEN);
            assertThat(proxy.wanted()).isNotEmpty().allMatch(("127.0.0.1:" + server.port())::equals);

            refused(CA + ", " + url.formatted(""), TOKEN, "the proxy wants a user name and password");
        }
    }

    @Test
    void aProxyThatIsNotThereIsNamed() throws IOException {
        int port;
        try (TestProxy gone = new TestProxy(TestProxy.Protocol.HTTP, server.port())) {
            port = gone.port();
        }

        refused(CA + ", proxy-url: 'http://127.0.0.1:" + port + "'", TOKEN, "cannot connect to the proxy");
        refused(CA + ", proxy-url: 'ftp://127.0.0.1:1'", TOKEN, "proxy-url ftp://127.0.0.1:1 must begin with");
        assertThat(server.seen()).isEmpty();
    }

    @Test
    void theServerMayBeAskedForAnotherName() throws Exception {
        server.close();
        keys.serverFor("DNS:api.test");
        server = new TlsApiServer(directory);

        refused(CA, TOKEN, "TLS error, the API server is not trusted");
        accepted(CA + ", tls-server-name: api.test", TOKEN);
        assertThat(server.seen()).extracting(Seen::name).containsOnly("api.test");
        refused(CA + ", tls-server-name: other.test", TOKEN, "TLS error, the API server is not trusted");
    }

    @Test
    void onlyTheAuthorityOfTheFileIsTrustedUnlessNoneIsWanted() throws IOException {
        accepted("insecure-skip-tls-verify: true", TOKEN);

        refused("", TOKEN, "TLS error, the API server is not trusted");
        refused(CA + ", insecure-skip-tls-verify: true", TOKEN, "exclude each other");
        refused("certificate-authority: kubeconfig", TOKEN, "kubeconfig has no certificate in PEM form");
    }

    @Test
    void theAddressMayHaveAPath() throws IOException {
        Run run = doctor(CA, TOKEN, "https://127.0.0.1:" + server.port() + "/clusters/one");

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("answers, Kubernetes v1.33.1");
        assertThat(server.seen()).extracting(Seen::path).allMatch(path -> path.startsWith("/clusters/one/"));
    }

    @Test
    void aCredentialThatIsNotAcceptedIsNamed() throws IOException {
        refused(CA, "token: stale", "the API server rejected your credential (401)");
        refused(CA, "", "the API server rejected your credential (401)");
    }

    private void accepted(String cluster, String user) throws IOException {
        Run run = doctor(cluster, user, "https://127.0.0.1:" + server.port());

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).contains("ok: https://127.0.0.1:" + server.port(), "answers, Kubernetes v1.33.1");
        assertThat(run.exitCode()).isZero();
    }

    private void refused(String cluster, String user, String... reasons) throws IOException {
        Run run = doctor(cluster, user, "https://127.0.0.1:" + server.port());

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out() + run.err()).contains(reasons).doesNotContain("Exception");
    }

    private Run doctor(String cluster, String user, String url) throws IOException {
        Path file = Files.writeString(directory.resolve("kubeconfig"), """
                apiVersion: v1
                kind: Config
                current-context: a
                contexts: [{name: a, context: {cluster: c, user: u}}]
                clusters: [{name: c, cluster: {server: "%s", %s}}]
                users: [{name: u, user: {%s}}]
                """.formatted(url, cluster, user));
        return Run.meshcni("doctor", "--cluster", "--kubeconfig", file.toString(), "--request-timeout-seconds", "10");
    }

    private void plugin(String script) throws IOException {
        Path plugin = Files.writeString(directory.resolve("plugin"), "#!/bin/sh\n" + script);
        Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwx------"));
    }

    private String base64(String name) throws IOException {
        return Base64.getEncoder().encodeToString(keys.text(name).getBytes(UTF_8));
    }

    private String escaped(String name) throws IOException {
        return keys.text(name).replace("\n", "\\n");
    }
}
