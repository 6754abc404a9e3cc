// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.kubeconfig;

import static java.util.Objects.requireNonNull;

import java.util.function.Supplier;

/** By what a request says who asks; a client certificate is apart from it. */
public sealed interface Credential {
    /** Nothing in the request. */
    record None() implements Credential {}

    /**
     * A bearer token.
     *
     * @param token gives the token for the next request: one of a file or of a plugin changes
     */
    record Bearer(Supplier<String> token) implements Credential {
        public Bearer {
            requireNonNull(token, "token is null");
        }
    }

    /** A name and a password. */
    record Basic(String username, String password) implements Credential {
        public Basic {
            requireNonNull(username, "username is null");
            requireNonNull(password, "password is null");
        }

        @Override
        public String toString() {
            return "Basic[" + username + "]";
        }
    }
}
