// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.config.DaemonException;
import dev.meshcni.core.ShortLine;
import dev.meshcni.kubeconfig.Tunnel;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.security.cert.CertPathBuilderException;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/** Says in a few words, on one line, why the API server did not do what it was asked for. */
public final class ApiFailure {
    /** In whose name a request was made. */
    public enum Account {
        /** The daemon's own. */
        DAEMON("the daemon's ServiceAccount", "the daemon's credential"),
        /** The account of the person who runs a command. */
        OPERATOR("your account", "your credential");

        private final String holder;
        private final String credential;

        Account(String holder, String credential) {
            this.holder = holder;
            this.credential = credential;
        }
    }

    /** How the JDK's client begins to say that a proxy did not connect it; a status follows. */
    private static final String TUNNEL_FAILED = "Tunnel failed";

    private ApiFailure() {}

    /**
     * The reason why a request of the daemon failed.
     *
     * @param right the right that a refusal would be about, such as {@code list on pods}
     */
    public static String describe(Throwable failure, String right) {
        return describe(failure, Account.DAEMON, right);
    }

    /**
     * The reason.
     *
     * @param account in whose name the request was made
     * @param right the right that a refusal would be about, such as {@code list on pods}
     */
    public static String describe(Throwable failure, Account account, String right) {
        return ShortLine.of(causes(failure)
                .flatMap(cause -> reason(cause, account, right).stream())
                .findFirst()
                .orElseGet(() -> causes(failure)
                        .reduce((_, last) -> last)
                        .orElse(failure)
                        .toString()));
    }

    private static Optional<String> reason(Throwable cause, Account account, String right) {
        return switch (cause) {
            case KubernetesClientException refusal
            when refusal.getCode() > 0 -> Optional.of(refusal(refusal.getCode(), account, right));
            case HttpTimeoutException _ -> Optional.of("timeout waiting for the API server");
            case ConnectException _ -> Optional.of("cannot connect to the API server");
            case UnknownHostException host ->
                Optional.of("cannot resolve the API server's host name " + host.getMessage());
            case SSLException tls -> Optional.of(tls(tls));
            case DaemonException credential -> Optional.of(credential.getMessage());
            case IOException tunnel
            when String.valueOf(tunnel.getMessage()).startsWith(TUNNEL_FAILED) ->
                Arrays.stream(Tunnel.Refusal.values())
                        .filter(refusal -> tunnel.getMessage().endsWith(" " + refusal.status()))
                        .map(ApiFailure::proxy)
                        .findFirst();
            default -> Optional.empty();
        };
    }

    /** An alert is the word of the other side: what it does not accept is our certificate. */
    private static String tls(SSLException failure) {
        String message = String.valueOf(failure.getMessage());
        if (message.contains("Received fatal alert")) {
            return "TLS error, the API server does not accept the connection: " + message;
        }
        boolean signed = causes(failure).noneMatch(CertPathBuilderException.class::isInstance);
        return "TLS error, the API server is not trusted: "
                + (signed ? message : "no authority that is trusted has signed its certificate");
    }

    private static String proxy(Tunnel.Refusal refusal) {
        return switch (refusal) {
            case CREDENTIALS -> "the proxy wants a user name and password: proxy-url http://USER:PASSWORD@HOST:PORT";
            case BY_PROXY -> "the proxy cannot connect to the API server";
            case NO_PROXY -> "cannot connect to the proxy";
            case NO_SERVER -> "cannot connect to the API server";
        };
    }

    private static String refusal(int code, Account account, String right) {
        return switch (code) {
            case 401 -> "the API server rejected " + account.credential + " (401)";
            case 403 -> account.holder + " lacks " + right + " (403)";
            case 429 -> "the API server is overloaded (429)";
            default -> "the API server answered " + code;
        };
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, cause -> cause != null, Throwable::getCause);
    }
}
