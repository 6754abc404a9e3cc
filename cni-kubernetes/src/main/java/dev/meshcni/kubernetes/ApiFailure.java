// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubernetes;

import dev.meshcni.core.ShortLine;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/** Says in a few words, on one line, why the API server did not do what it was asked for. */
public final class ApiFailure {
    /** In whose name a request was made. */
    public enum Account {
        /** The daemon's own. */
        DAEMON("the daemon's ServiceAccount", "the daemon's credential"),
        /** That of the person who runs a command. */
        OPERATOR("your account", "your credential");

        private final String holder;
        private final String credential;

        Account(String holder, String credential) {
            this.holder = holder;
            this.credential = credential;
        }
    }

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
            case SSLException tls -> Optional.of("TLS error, the API server is not trusted: " + tls.getMessage());
            default -> Optional.empty();
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
