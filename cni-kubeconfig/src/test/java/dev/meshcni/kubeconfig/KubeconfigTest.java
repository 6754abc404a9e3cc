// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.config.DaemonException;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KubeconfigTest {
    private static final String COMPLETE = """
            apiVersion: v1
            kind: Config
            current-context: a
            contexts:
            - {name: a, context: {cluster: c, user: u}}
            - {name: b, context: {cluster: d, user: u}}
            clusters:
            - {name: c, cluster: {server: "https://192.0.2.1:6443"}}
            - {name: d, cluster: {server: "https://192.0.2.2", certificate-authority: ca.crt}}
            users:
            - {name: u, user: {token: one}}
            """;

    @TempDir
    private Path directory;

    @Test
    void ofSeveralFilesTheFirstWinsForEachName() throws IOException {
        Path first = file("first", """
                contexts: [{name: a, context: {cluster: c, user: mine}}]
                users: [{name: mine, user: {token: two}}]
                """);
        Kubeconfig merged = Kubeconfig.read(List.of(first, file("second", COMPLETE)));

        ClusterAccess access = merged.access(Optional.empty(), Map.of());

        assertThat(access.server()).isEqualTo(URI.create("https://192.0.2.1:6443"));
        assertThat(token(access)).isEqualTo("two");
    }

    @Test
    void pathsAreRelativeToTheFileInWhichTheyStand() throws IOException {
        Files.createDirectory(directory.resolve("sub"));
        Kubeconfig merged = Kubeconfig.read(List.of(file("first", "kind: Config\n"), file("sub/second", COMPLETE)));

        assertThatThrownBy(() -> merged.access(Optional.of("b"), Map.of()))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining(
                        "cluster \"d\": certificate-authority " + directory.resolve("sub/ca.crt") + " does not exist");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "current-context: a            | ``                                | has no current-context; available contexts: [a, b]",
                "current-context: a            | current-context: gone             | current context \"gone\" does not exist; available contexts: [a, b]",
                "{cluster: c, user: u}         | {cluster: x, user: u}             | context \"a\": its cluster \"x\" does not exist; available clusters: [c, d]",
                "{cluster: c, user: u}         | {cluster: c, user: x}             | context \"a\": its user \"x\" does not exist; available users: [u]",
                "{cluster: c, user: u}         | {user: u}                         | context \"a\" names no cluster",
                "server: \"https://192.0.2.1:6443\" | server: \"\"                 | cluster \"c\": server is missing",
                "https://192.0.2.1:6443        | ftp://192.0.2.1                   | server ftp://192.0.2.1 must begin with https:// or http://",
                "https://192.0.2.1:6443        | https://two words                 | server https://two words is not a URL",
                "- {name: b,                   | - {name: a,                       | context \"a\" is there twice",
                "kind: Config                  | kind: Pod                         | is a Pod, not a Config",
                "token: one                    | token: [one]                      | user \"u\": token must be text",
                "token: one                    | tokenFile: gone                   | user \"u\": tokenFile",
                "token: one                    | auth-provider: {name: gcp}        | auth-provider: name \"gcp\" is no longer part of Kubernetes",
                "token: one                    | exec: {apiVersion: v1}            | exec: command is missing",
                "token: one                    | exec: [x]                         | user \"u\": exec must be a mapping",
                "kind: Config                  | kind: [                           | invalid YAML"
            })
    void whatIsMissingOrWrongIsNamedWithItsPlace(String before, String after, String reason) throws IOException {
        Path file = file("config", COMPLETE.replace(before, after));

        assertThatThrownBy(() -> Kubeconfig.read(List.of(file)).access(Optional.empty(), Map.of()))
                .isInstanceOf(DaemonException.class)
                .hasMessageContaining("kubeconfig " + file)
                .hasMessageContaining(reason);
    }

    @Test
    void aContextThatIsAskedForHasToBeThere() throws IOException {
        Kubeconfig read = Kubeconfig.read(List.of(file("config", COMPLETE)));

        assertThatThrownBy(() -> read.access(Optional.of("prod"), Map.of()))
                .hasMessageContaining("has no context \"prod\"; available contexts: [a, b]");
    }

    @Test
    void anAddressWithoutSchemeIsOfTlsWhereCertificatesAreNamed() throws IOException {
        String plain = COMPLETE.replace("https://192.0.2.1:6443", "192.0.2.1:8080");
        String secured = plain.replace("192.0.2.1:8080\"", "192.0.2.1:8080\", insecure-skip-tls-verify: true");

        assertThat(access(plain).server()).hasToString("http://192.0.2.1:8080");
        assertThat(access(secured).server()).hasToString("https://192.0.2.1:8080");
    }

    @Test
    void aTokenOfAFileIsReadAgain() throws IOException {
        Path token = Files.writeString(directory.resolve("token"), "old\n");
        ClusterAccess access = access(COMPLETE.replace("token: one", "tokenFile: token"));

        assertThat(token(access)).isEqualTo("old");
        Files.writeString(token, "new\n");
        assertThat(token(access)).isEqualTo("new");
        Files.delete(token);
        assertThat(token(access)).isEqualTo("new");
    }

    @Test
    void anExecPluginRunsAgainWhenItsTokenHasExpired() throws IOException {
        String script = "echo x >>runs; printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
                + "\"ExecCredential\",\"status\":{\"token\":\"%s\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}}'"
                + " $(wc -l <runs)";
        String exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, 'cd " + directory
                + "; " + script.replace("'", "''") + "']}";
        ClusterAccess access = access(COMPLETE.replace("token: one", exec));

        assertThat(token(access)).isEqualTo("2");
        assertThat(token(access)).isEqualTo("3");
    }

    @ParameterizedTest
    @CsvSource({"32503680000, true", "978307200, false"})
    void aTokenOfOidcIsUsedWhileItLasts(String end, boolean usable) throws IOException {
        String claims = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(("{\"exp\":" + end + "}").getBytes(StandardCharsets.UTF_8));
        String user = "auth-provider: {name: oidc, config: {id-token: x." + claims + ".y}}";
        String file = COMPLETE.replace("token: one", user);

        if (usable) {
            assertThat(token(access(file))).isEqualTo("x." + claims + ".y");
        } else {
            assertThatThrownBy(() -> access(file)).hasMessageContaining("id-token has expired");
        }
    }

    @Test
    void onesIdentityMayBeAnothers() throws IOException {
        ClusterAccess access = access(COMPLETE.replace(
                "token: one", "token: one, as: root, as-uid: '7', as-groups: [g], as-user-extra: {reason: [why]}"));

        assertThat(access.impersonation())
                .isEqualTo(new Impersonation(
                        Optional.of("root"), Optional.of("7"), List.of("g"), Map.of("reason", List.of("why"))));
    }

    @Test
    void filesAreThoseOfTheFlagElseOfTheVariableElseOfTheHomeDirectory() throws IOException {
        Path one = file("one", COMPLETE);
        Path two = file("two", COMPLETE);
        Files.createDirectory(directory.resolve(".kube"));
        Path home = file(".kube/config", COMPLETE);
        Map<String, String> environment =
                Map.of("KUBECONFIG", one + ":" + directory.resolve("gone") + ":" + two, "HOME", directory.toString());

        assertThat(KubeconfigFiles.find(Optional.of(two), environment)).containsExactly(two);
        assertThat(KubeconfigFiles.find(Optional.empty(), environment)).containsExactly(one, two);
        assertThat(KubeconfigFiles.find(Optional.empty(), Map.of("HOME", directory.toString())))
                .containsExactly(home);
        assertThat(KubeconfigFiles.find(Optional.empty(), Map.of("HOME", "/nowhere")))
                .isEmpty();
        assertThatThrownBy(() -> KubeconfigFiles.find(
                        Optional.empty(), Map.of("KUBECONFIG", "/gone", "HOME", directory.toString())))
                .hasMessage("KUBECONFIG names [/gone], and that file does not exist");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "none",
            value = {
                "https://api.test:6443   | ''                   | http://secure:1",
                "http://api.test         | ''                   | http://plain:1",
                "https://api.test:6443   | other.test           | http://secure:1",
                "https://api.test:6443   | 'other.test,api.test'| none",
                "https://api.test:6443   | test                 | none",
                "https://api.test:6443   | .test                | none",
                "https://api.test:6443   | api.test:443         | http://secure:1",
                "https://api.test:6443   | api.test:6443        | none",
                "https://api.test:6443   | *                    | none",
                "https://192.0.2.9       | 192.0.2.0/24         | none",
                "https://192.0.3.9       | 192.0.2.0/24         | http://secure:1",
                "https://[2001:db8::1]   | 2001:db8::/32        | none",
                "https://127.0.0.1:6443  | ''                   | none",
                "https://localhost:6443  | ''                   | none"
            })
    void theEnvironmentNamesAProxyAndForWhomItIsNone(String server, String noProxy, String expected) {
        Map<String, String> environment =
                Map.of("HTTPS_PROXY", "http://secure:1", "http_proxy", "http://plain:1", "NO_PROXY", noProxy);

        assertThat(EnvironmentProxy.of(URI.create(server), environment)).isEqualTo(Optional.ofNullable(expected));
    }

    private ClusterAccess access(String text) throws IOException {
        return Kubeconfig.read(List.of(file("config", text))).access(Optional.empty(), Map.of());
    }

    private static String token(ClusterAccess access) {
        return ((Credential.Bearer) access.credential()).token().get();
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }
}
